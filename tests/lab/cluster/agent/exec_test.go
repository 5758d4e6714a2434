// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestProgramNameByVersion(t *testing.T) {
	for _, release := range releases {
		a := start(t, release)
		right, wrong := "cilium", "cilium-dbg"
		if versions("1.15+").has(a.state.version) {
			right, wrong = wrong, right
		}
		var out, errw strings.Builder
		if code := a.Exec([]string{right, "status", "--brief"}, healthOK, &out, &errw); code != 0 || out.String() != "OK\n" {
			t.Errorf("%s: %s: exit code %d, %q", release, right, code, out.String())
		}
		out.Reset()
		code := a.Exec([]string{wrong, "status", "--brief"}, healthOK, &out, &errw)
		if code != 127 || out.String() != "" || !strings.Contains(errw.String(), `"`+wrong+`": executable file not found`) {
			t.Errorf("%s: %s: exit code %d, %q, %q", release, wrong, code, out.String(), errw.String())
		}
	}
}

func TestProgramByItsPath(t *testing.T) {
	var out, errw strings.Builder
	if code := start(t, "1.13.4").Exec([]string{"/usr/bin/cilium", "status", "--brief"}, "", &out, &errw); code != 0 {
		t.Errorf("exit code %d, %q", code, errw.String())
	}
}

func TestUnknownCalls(t *testing.T) {
	a := start(t, "1.16.19")
	for _, c := range []struct {
		cmd  []string
		code int
		errs string
	}{
		{nil, 127, "no command"},
		{[]string{"bash", "-c", "id"}, 127, `"bash": executable file not found`},
		{[]string{"cilium-dbg", "bgp", "peers"}, 1, `unknown command "bgp"`},
		{[]string{"cilium-dbg"}, 1, "unknown command"},
		{[]string{"cilium-dbg", "status", "--nonsense"}, 1, "unknown argument or flag: --nonsense"},
		{[]string{"cilium-dbg", "status", "-o", "yaml"}, 1, `invalid output "yaml"`},
		{[]string{"cilium-dbg", "status", "-o"}, 1, `invalid output ""`},
		{[]string{"cilium-health", "get"}, 1, `unknown command "get"`},
	} {
		var out, errw strings.Builder
		if code := a.Exec(c.cmd, healthOK, &out, &errw); code != c.code || !strings.Contains(errw.String(), c.errs) || out.Len() > 0 {
			t.Errorf("%q: exit code %d, %q, %q", c.cmd, code, out.String(), errw.String())
		}
	}
}

func TestHealth(t *testing.T) {
	for _, c := range []struct{ health, line, brief, kubernetes string }{
		{"ok", "Ok   1.16.19 (v1.16.19-", "OK\n", "Ok   1.26"},
		{"", "Ok   1.16.19 (v1.16.19-", "OK\n", "Ok   1.26"},
		{"warning", "Warning   1.16.19 (v1.16.19-", "error in cilium: 1.16.19 (v1.16.19-", "Ok   1.26"},
		{"failure", "Failure   1.16.19 (v1.16.19-", "error in kubernetes: Get ", "Failure   Get "},
	} {
		a := start(t, "1.16.19")
		healthy := 0
		if c.brief != "OK\n" {
			healthy = 1
		}
		out, _, code := run(a, c.health, "status", "--verbose")
		if line, _ := valueOf(out, "Cilium:"); !strings.HasPrefix(line, c.line) || code != healthy {
			t.Errorf("%s: %q, exit code %d", c.health, line, code)
		}
		if line, _ := valueOf(out, "Kubernetes:"); !strings.HasPrefix(line, c.kubernetes) {
			t.Errorf("%s: Kubernetes: %q", c.health, line)
		}
		if out, _, code := run(a, c.health, "status", "--brief"); !strings.HasPrefix(out, c.brief) || code != healthy {
			t.Errorf("%s: brief %q, exit code %d", c.health, out, code)
		}
		word, _, _ := strings.Cut(c.line, " ")
		if state := at(jsonStatus(t, a, c.health), "cilium.state"); state != word {
			t.Errorf("%s: JSON %v", c.health, state)
		}
	}
}

func TestStaleLineComesWithTheWarning(t *testing.T) {
	a := start(t, "1.13.4")
	for health, wanted := range map[string]bool{"ok": false, "warning": true, "failure": false} {
		out, _, _ := run(a, health, "status")
		if _, found := valueOf(out, "Stale status:"); found != wanted {
			t.Errorf("%s: stale line: %v", health, found)
		}
	}
}

func TestFormsOfOutput(t *testing.T) {
	a := start(t, "1.20.0")
	first, _, _ := run(a, healthOK, "status", "-o", "json")
	for _, form := range [][]string{{"-o=json"}, {"--output", "json"}, {"--output=json"}, {"-ojson"}, {"--verbose", "-o", "json"}} {
		if out, errs, code := run(a, healthOK, append([]string{"status"}, form...)...); out != first || code != 0 {
			t.Errorf("%v: exit code %d, %q", form, code, errs)
		}
	}
	if _, errs, code := run(a, healthOK, "--timeout", "10s", "status", "--all-health"); code != 0 {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// optionsOf reads `config -a -o json`.
func optionsOf(t *testing.T, a *Agent, flags ...string) map[string]any {
	t.Helper()
	out, errs, code := run(a, healthOK, append([]string{"config", "-o", "json"}, flags...)...)
	var options map[string]any
	if err := json.Unmarshal([]byte(out), &options); err != nil || code != 0 {
		t.Fatalf("config: exit code %d, %q, %v", code, errs, err)
	}
	return options
}

func TestRunningOptions(t *testing.T) {
	for _, c := range []struct {
		at     string
		config changes
		name   string
		value  any
	}{
		{"1.11-1.13", nil, "Tunnel", "disabled"},
		{"1.11-1.13", changes{"@tunnel": "geneve"}, "Tunnel", "geneve"},
		{"1.14+", nil, "Tunnel", nil},
		{"1.11-1.13", nil, "RoutingMode", nil},
		{"1.14+", nil, "RoutingMode", "native"},
		{"1.14+", changes{"@tunnel": "vxlan"}, "RoutingMode", "tunnel"},
		{"1.14+", changes{"@tunnel": "geneve"}, "TunnelProtocol", "geneve"},
		{"all", nil, "PolicyAuditMode", "Disabled"},
		{"all", changes{"policy-audit-mode": "true"}, "PolicyAuditMode", "Enabled"},
		{"1.11-1.12", with(dsr, changes{"@tunnel": "vxlan"}), "NodePortMode", "snat"},
		{"1.18+", nil, "NodePortMode", nil},
		{"all", iptables, "EnableHostLegacyRouting", true},
		{"all", changes{noTrack: "true"}, "InstallNoConntrackIptRules", true},
	} {
		for _, release := range releases {
			if !versions(c.at).has(mustVersion(t, release)) {
				continue
			}
			if value := optionsOf(t, start(t, release, c.config), "-a")[c.name]; value != c.value {
				t.Errorf("%s: %s is %v, should be %v", release, c.name, value, c.value)
			}
		}
	}
}

func TestConfigParts(t *testing.T) {
	a := start(t, "1.13.4")
	all, readOnly, mutable := optionsOf(t, a, "-a"), optionsOf(t, a, "-r"), optionsOf(t, a)
	if len(all) != len(readOnly)+len(mutable) || readOnly["Tunnel"] == nil || mutable["PolicyAuditMode"] == nil {
		t.Errorf("all %d, read-only %d, mutable %d", len(all), len(readOnly), len(mutable))
	}
	out, _, _ := run(a, healthOK, "config", "-a")
	if value, _ := valueOf(out, "Tunnel "); value != ": disabled" {
		t.Errorf("as text: %q", value)
	}
}

func TestVersionCommand(t *testing.T) {
	out, _, code := run(start(t, "1.13.4"), healthOK, "version")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.HasPrefix(lines[0], "Client: 1.13.4 4061cdfc ") ||
		!strings.HasPrefix(lines[1], "Daemon: 1.13.4 4061cdfc ") {
		t.Errorf("exit code %d, %q", code, out)
	}
}

func TestHealthClient(t *testing.T) {
	a := start(t, "1.18.7")
	var out, errw strings.Builder
	var status map[string]any
	code := a.Exec([]string{"cilium-health", "status", "-o", "json"}, healthOK, &out, &errw)
	if err := json.Unmarshal([]byte(out.String()), &status); err != nil || code != 0 || at(status, "local.name") != "default/node-1" {
		t.Errorf("exit code %d, %v, %q", code, err, out.String())
	}
	out.Reset()
	if a.Exec([]string{"cilium-health", "status"}, healthOK, &out, &errw) != 0 || !strings.Contains(out.String(), "192.168.1.10") {
		t.Errorf("text: %q", out.String())
	}
	off := start(t, "1.18.7", changes{"enable-health-checking": "false"})
	if off.Exec([]string{"cilium-health", "status"}, healthOK, &out, &errw) != 1 {
		t.Error("an agent without health checks answers")
	}
}
