// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fastpath.cilium/lab/agent"
)

// changeHost makes an agent's changes in the folder that stands for its host's root; without one there is no host.
// Its error is what the agent exits with.
func changeHost(root string, writes []agent.SysctlWrite) error {
	if root == "" {
		return nil
	}
	for _, write := range writes {
		if err := writeSysctl(root, write); err != nil {
			return fmt.Errorf("failed to set sysctl needed by BPF bandwidth manager: %w", err)
		}
	}
	return nil
}

func writeSysctl(root string, write agent.SysctlWrite) error {
	path := filepath.Join(root, "proc/sys", strings.ReplaceAll(write.Name, ".", "/"))
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read sysctl %s failed: %w", write.Name, err)
	}
	if write.Least {
		present, err := strconv.Atoi(strings.TrimSpace(string(content)))
		if err != nil {
			return fmt.Errorf("read sysctl %s failed: %w", write.Name, err)
		}
		if least, _ := strconv.Atoi(write.Value); present >= least {
			return nil
		}
	}
	// As the kernel does it: the same file with another content.
	return os.WriteFile(path, []byte(write.Value+"\n"), 0o644)
}
