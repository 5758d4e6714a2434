// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import "testing"

func sysctls(t *testing.T, version string, config map[string]string) map[string]SysctlWrite {
	t.Helper()
	started, err := Start(Input{Version: version, Config: config, Host: Host{
		NodeName: "node-1", Kernel: "6.2.0-26-generic", Devices: []Device{{Name: "eth0", Driver: "virtio_net", IP: "192.168.1.10"}}}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]SysctlWrite{}
	for _, write := range started.HostSysctls() {
		found[write.Name] = write
	}
	return found
}

func TestHostSysctls(t *testing.T) {
	fair := map[string]string{"enable-bandwidth-manager": "true", "kube-proxy-replacement": "true", "enable-bpf-masquerade": "true",
		"routing-mode": "native", "enable-ipv6": "false", "ipv4-native-routing-cidr": "10.0.0.0/8"}
	found := sysctls(t, "1.18.12", fair)
	if len(found) != 5 || found["net.core.default_qdisc"].Value != "fq" || found["net.ipv4.tcp_congestion_control"].Value != "cubic" {
		t.Errorf("bandwidth manager: %v", found)
	}
	if backlog := found["net.core.netdev_max_backlog"]; backlog.Value != "1000" || !backlog.Least {
		t.Errorf("from 1.13 on a number is only raised: %v", backlog)
	}
	fair["enable-bbr"] = "true"
	found = sysctls(t, "1.18.12", fair)
	if found["net.ipv4.tcp_congestion_control"].Value != "bbr" || found["net.ipv4.tcp_slow_start_after_idle"].Value != "0" {
		t.Errorf("BBR: %v", found)
	}
	old := map[string]string{"enable-bandwidth-manager": "true", "kube-proxy-replacement": "strict", "tunnel": "disabled",
		"enable-ipv6": "false", "ipv4-native-routing-cidr": "10.0.0.0/8"}
	if backlog := sysctls(t, "1.12.19", old)["net.core.netdev_max_backlog"]; backlog.Least {
		t.Errorf("up to 1.12 a number is written whatever stands there: %v", backlog)
	}
}

func TestHostSysctlsAreLeftWithoutTheBandwidthManager(t *testing.T) {
	if found := sysctls(t, "1.18.12", map[string]string{"enable-bbr": "false"}); len(found) != 0 {
		t.Errorf("nothing is put back: %v", found)
	}
	ipsec := map[string]string{"enable-bandwidth-manager": "true", "enable-ipsec": "true"}
	if found := sysctls(t, "1.18.12", ipsec); len(found) != 0 {
		t.Errorf("left off with IPsec: %v", found)
	}
}
