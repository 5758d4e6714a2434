// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	for text, wanted := range map[string]version{"1.13.4": {1, 13, 4}, "v1.16.0-rc.1": {1, 16, 0}, "1.17.6-cee.1": {1, 17, 6},
		"1.11.0": {1, 11, 0}, "1.20.9": {1, 20, 9}} {
		if v, err := parseVersion(text); err != nil || v != wanted {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
	for text, says := range map[string]string{"": "is not an agent version", "latest": "is not an agent version",
		"1.13": "is not an agent version", "1.10.20": "is not simulated", "1.21.0": "is not simulated", "2.13.0": "is not simulated"} {
		if _, err := parseVersion(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := Start(Input{Version: text, Host: Host{Kernel: "6.1"}}); err == nil {
			t.Errorf("%q: starts", text)
		}
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		span, inside, outside string
	}{
		{"1.13", "1.13.0 1.13.4 1.13.99", "1.12.99 1.14.0"},
		{"1.11-1.12", "1.11.0 1.12.99", "1.13.0"},
		{"1.17.4+", "1.17.4 1.18.0 1.20.5", "1.17.3 1.16.99"},
		{"1.11-1.13.4", "1.13.4", "1.13.5"},
		{"all", "1.11.0 1.20.99", ""},
	} {
		for _, text := range strings.Fields(c.inside) {
			if !versions(c.span).has(mustVersion(t, text)) {
				t.Errorf("%s leaves out %s", c.span, text)
			}
		}
		for _, text := range strings.Fields(c.outside) {
			if versions(c.span).has(mustVersion(t, text)) {
				t.Errorf("%s takes in %s", c.span, text)
			}
		}
	}
}

func TestSpanOfNonsensePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a range without a minor version is taken")
		}
	}()
	versions("1-2")
}

func TestKernels(t *testing.T) {
	for _, c := range []struct {
		release, than string
		older         bool
	}{
		{"6.2.0-26-generic", "6.3", true}, {"6.2.0-26-generic", "6.2", false}, {"5.10.0", "5.10", false}, {"5.9.16", "5.10", true},
		{"4.19.56", "4.19.57", true}, {"4.19.57", "4.19.57", false}, {"5.1", "4.19.57", false}, {"10.0", "6.7", false},
	} {
		k, err := parseKernel(c.release)
		if err != nil || k.older(c.than) != c.older {
			t.Errorf("%s older than %s: %v, %v", c.release, c.than, k.older(c.than), err)
		}
	}
	for _, release := range []string{"", "linux", "6"} {
		if _, err := Start(Input{Version: "1.13.4", Host: Host{Kernel: release}}); err == nil ||
			!strings.Contains(err.Error(), "kernel version") {
			t.Errorf("%q: %v", release, err)
		}
	}
}

func TestRHEL8Kernel(t *testing.T) {
	for release, starts := range map[string]bool{"4.18.0-553.el8_10.x86_64": true, "4.18.20": false} {
		for _, v := range []string{"1.13.4", "1.16.19", "1.20.0"} {
			_, err := Start(inputFor(v, configFor(mustVersion(t, v)), release, nil))
			if (err == nil) != starts {
				t.Errorf("%s on %s: %v", v, release, err)
			}
		}
	}
}

func TestDefaultsByVersion(t *testing.T) {
	for _, c := range []struct{ at, key, value string }{
		{"1.11-1.13", "tunnel", "vxlan"}, {"1.14+", "routing-mode", "tunnel"}, {"1.14+", "tunnel-protocol", "vxlan"},
		{"1.14+", "tunnel", ""}, {"1.11-1.13", "routing-mode", ""}, {"1.11-1.13", "kube-proxy-replacement", "disabled"},
		{"1.14+", "kube-proxy-replacement", "false"}, {"all", "bpf-lb-mode", "snat"}, {"all", "bpf-lb-dsr-dispatch", "opt"},
		{"all", "bpf-lb-acceleration", "disabled"}, {"all", "bpf-lb-maglev-table-size", "16381"}, {"1.16+", "enable-tcx", "true"},
		{"all", "enable-ipv6", "true"}, {"all", "enable-bpf-masquerade", ""}, {"all", "bpf-nat-global-max", "524288"},
	} {
		for _, release := range releases {
			v := mustVersion(t, release)
			if value := (options{v, nil}).text(c.key); versions(c.at).has(v) && value != c.value {
				t.Errorf("%s: %s defaults to %q, should to %q", release, c.key, value, c.value)
			}
		}
	}
	// tunnel is what an agent without a setting does
	for _, release := range releases {
		v := mustVersion(t, release)
		a, err := Start(inputFor(release, map[string]string{}, "", nil))
		if err != nil || a.state.tunnel != "vxlan" || a.state.nodePort {
			t.Errorf("%s with nothing set: %v", v, err)
		}
	}
}

// 1.14 still follows the old key where the new one is not set; later agents do not know it.
func TestTunnelKeyIn114(t *testing.T) {
	for release, wanted := range map[string]string{"1.13.4": "", "1.14.19": "", "1.15.19": "vxlan", "1.20.0": "vxlan"} {
		a, err := Start(inputFor(release, map[string]string{"tunnel": "disabled", "ipv4-native-routing-cidr": "10.0.0.0/8"}, "", nil))
		if err != nil || a.state.tunnel != wanted {
			t.Errorf("%s: %v", release, err)
		}
	}
}

func TestEffectiveConfig(t *testing.T) {
	base := map[string]string{"bpf-lb-mode": "snat", "devices": "eth0"}
	effective := EffectiveConfig(base, []map[string]string{{"bpf-lb-mode": "dsr", "debug": "true"}, nil, {"bpf-lb-mode": "hybrid"}})
	if effective["bpf-lb-mode"] != "hybrid" || effective["debug"] != "true" || effective["devices"] != "eth0" || len(effective) != 3 {
		t.Errorf("effective: %v", effective)
	}
	if base["bpf-lb-mode"] != "snat" || len(base) != 2 {
		t.Errorf("the ConfigMap itself was changed: %v", base)
	}
}

func TestDevicesOption(t *testing.T) {
	all := []Device{{"eth0", "virtio_net", ""}, {"eth1", "virtio_net", "10.0.0.2"}, {"ens3", "ice", "10.0.1.2"}}
	for option, wanted := range map[string]string{"": "eth0, eth1, ens3", "eth+": "eth0, eth1", "eth1 ens3": "eth1, ens3",
		"eth1,ens3": "eth1, ens3", "wlan0": ""} {
		a, err := Start(inputFor("1.13.4", configFor(version{1, 13, 4}, changes{"devices": option}), "", all))
		if err != nil || names(a.state.devices) != wanted {
			t.Errorf("%q: %v", option, err)
		}
	}
	a, _ := Start(inputFor("1.13.4", configFor(version{1, 13, 4}), "", all))
	named, _ := Start(inputFor("1.13.4", configFor(version{1, 13, 4}, changes{"direct-routing-device": "ens3"}), "", all))
	if a.state.directRoutingDevice() != "eth1" || named.state.directRoutingDevice() != "ens3" {
		t.Error("direct routing goes through another device")
	}
}

func TestLogShape(t *testing.T) {
	hostile := changes{"debug": "a\"b\nlevel=fatal"}
	for release, prefix := range map[string]string{"1.17.13": "level=info msg=", "1.18.7": "time="} {
		log := start(t, release, hostile).Log()
		for _, line := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
			if !strings.HasPrefix(line, prefix) {
				t.Errorf("%s: line %q", release, line)
			}
		}
		if !strings.Contains(log, "Daemon initialization completed") || !strings.Contains(log, "--routing-mode='native'") {
			t.Errorf("%s: %s", release, log)
		}
	}
}

// TestAnyConfigurationIsAnswered tries many configurations, sound and not: no panic, and JSON is always JSON.
func TestAnyConfigurationIsAnswered(t *testing.T) {
	random := rand.New(rand.NewSource(20))
	values := []string{"", "true", "false", "strict", "probe", "dsr", "hybrid", "snat", "geneve", "vxlan", "ipip", "disabled",
		"native", "tunnel", "best-effort", "maglev", "netkit", "auto", "0", "-1", "65521", "1,2", "eth+", "0.0025", "NaN", "\x00\xff", "{{x}}"}
	var keys []string
	for _, d := range agentDefaults {
		keys = append(keys, d.key)
	}
	for _, p := range proofs {
		for key := range p.config {
			keys = append(keys, strings.TrimPrefix(key, "@"))
		}
	}
	slices.Sort(keys)
	started := 0
	for range 3000 {
		config := map[string]string{}
		if random.Intn(2) == 0 {
			config = configFor(mustVersion(t, "1.16.19"))
		}
		for range random.Intn(8) {
			config[keys[random.Intn(len(keys))]] = values[random.Intn(len(values))]
		}
		kernels := []string{"4.9.20", "5.4.0-1-generic", "6.1.0", "6.12.3", "4.18.0-1.el8"}
		devices := [][]Device{{}, oneNIC, oldNIC, wireguard}[random.Intn(4)]
		in := inputFor(releases[random.Intn(len(releases))], config, kernels[random.Intn(len(kernels))], devices)
		a, err := Start(in)
		if err != nil {
			continue
		}
		started++
		answerAll(t, a, in)
	}
	if started < 300 {
		t.Errorf("only %d configurations were sound enough to start", started)
	}
}

func answerAll(t *testing.T, a *Agent, in Input) {
	t.Helper()
	for _, args := range [][]string{{"status", "--verbose"}, {"status"}, {"status", "--brief"}, {"version"}, {"config", "-a"},
		{"status", "-o", "json"}, {"config", "-a", "-o", "json"}} {
		out, errs, code := run(a, healthOK, args...)
		if code != 0 || errs != "" || out == "" {
			t.Fatalf("%v of %v: exit code %d, %q", args, in, code, errs)
		}
		if args[len(args)-1] == "json" && !json.Valid([]byte(out)) {
			t.Fatalf("%v of %v: no JSON: %s", args, in, out)
		}
	}
}
