// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fastpath.cilium/lab/agent"
)

func TestChangeHost(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "proc/sys/net/core/somaxconn")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		present, want string
		least         bool
	}{
		{"128\n", "4096\n", true}, {"65535\n", "65535\n", true}, {"65535\n", "4096\n", false},
	} {
		if err := os.WriteFile(file, []byte(c.present), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := changeHost(root, []agent.SysctlWrite{{Name: "net.core.somaxconn", Value: "4096", Least: c.least}}); err != nil {
			t.Fatal(err)
		}
		if content, _ := os.ReadFile(file); string(content) != c.want {
			t.Errorf("%q (least %v): %q, want %q", c.present, c.least, content, c.want)
		}
	}
	err := changeHost(root, []agent.SysctlWrite{{Name: "net.core.default_qdisc", Value: "fq"}})
	if err == nil || !strings.Contains(err.Error(), "read sysctl net.core.default_qdisc failed") {
		t.Errorf("a sysctl that the kernel does not have: %v", err)
	}
	if changeHost("", []agent.SysctlWrite{{Name: "net.core.somaxconn", Value: "1"}}) != nil {
		t.Error("without a folder there is no host")
	}
}
