// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"maps"
	"strings"
	"testing"
)

// releases that every rule is tried at: the last of each minor, and both sides of a boundary within one.
var releases = []string{"1.11.20", "1.12.19", "1.13.4", "1.13.18", "1.14.19", "1.15.19", "1.16.19", "1.17.3", "1.17.4",
	"1.17.13", "1.18.0", "1.18.7", "1.19.1", "1.20.0"}

type changes map[string]string

var oneNIC = []Device{{"eth0", "virtio_net", "192.168.1.10"}}

func mustVersion(t *testing.T, text string) version {
	t.Helper()
	v, err := parseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// configFor is a sound configuration for a release, with changes. "@kpr" (full, off, partly) and "@tunnel"
// (none, vxlan, geneve) are written in the keys of that release; a change to "" takes a key away.
func configFor(v version, more ...changes) map[string]string {
	config := map[string]string{"enable-ipv6": "false", "enable-bpf-masquerade": "true",
		"ipv4-native-routing-cidr": "10.0.0.0/8", "@kpr": "full", "@tunnel": "none"}
	for _, change := range more {
		maps.Copy(config, change)
	}
	setReplacement(v, config, config["@kpr"])
	setTunnel(v, config, config["@tunnel"])
	maps.DeleteFunc(config, func(key, value string) bool { return value == "" || key[0] == '@' })
	return config
}

func setReplacement(v version, config map[string]string, wanted string) {
	words := map[string]string{"full": "strict", "off": "disabled", "partly": "partial"}
	if v.atLeast(14) {
		words = map[string]string{"full": "true", "off": "false", "partly": "false"}
	}
	if _, given := config["kube-proxy-replacement"]; !given {
		config["kube-proxy-replacement"] = words[wanted]
	}
}

func setTunnel(v version, config map[string]string, wanted string) {
	if !v.atLeast(14) {
		if _, given := config["tunnel"]; !given {
			config["tunnel"] = map[string]string{"none": "disabled", "vxlan": "vxlan", "geneve": "geneve"}[wanted]
		}
		return
	}
	if _, given := config["routing-mode"]; !given {
		config["routing-mode"] = map[bool]string{true: "native", false: "tunnel"}[wanted == "none"]
	}
	if wanted != "none" {
		config["tunnel-protocol"] = wanted
	}
}

func inputFor(release string, config map[string]string, kernel string, devices []Device) Input {
	if kernel == "" {
		kernel = "6.8.0-26-generic"
	}
	if devices == nil {
		devices = oneNIC
	}
	return Input{release, config, Host{"node-1", kernel, devices}}
}

// start brings up a sound agent with changes.
func start(t *testing.T, release string, more ...changes) *Agent {
	t.Helper()
	a, err := Start(inputFor(release, configFor(mustVersion(t, release), more...), "", nil))
	if err != nil {
		t.Fatalf("%s refuses to start: %s", release, err)
	}
	return a
}

// run executes a command of the agent's own client.
func run(a *Agent, health string, args ...string) (out, errs string, code int) {
	var stdout, stderr strings.Builder
	code = a.Exec(append([]string{a.state.programName()}, args...), health, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// verbose is the agent's verbose status.
func verbose(t *testing.T, a *Agent) string {
	t.Helper()
	out, errs, code := run(a, healthOK, "status", "--verbose")
	if code != 0 || errs != "" {
		t.Fatalf("status --verbose: exit code %d, %q", code, errs)
	}
	return out
}

// valueOf returns what follows a label at the start of a line, and whether there is such a line.
func valueOf(status, label string) (string, bool) {
	for _, line := range strings.Split(status, "\n") {
		if rest, found := strings.CutPrefix(line, label); found {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}
