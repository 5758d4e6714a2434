// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

// SysctlWrite is what an agent does to a sysctl of its host when it starts. Least: only where a lesser number stands there.
type SysctlWrite struct {
	Name, Value string
	Least       bool
}

// HostSysctls is what this agent sets on its host, in order. It never puts anything back: an agent that starts without the
// bandwidth manager leaves what an earlier one set.
func (a *Agent) HostSysctls() []SysctlWrite {
	s := a.state
	if !s.bandwidth {
		return nil
	}
	// Up to 1.12 the numbers are written whatever stands there; 1.13 only raises them.
	raises := s.version.atLeast(13)
	writes := []SysctlWrite{
		{"net.core.netdev_max_backlog", "1000", raises},
		{"net.core.somaxconn", "4096", raises},
		{"net.ipv4.tcp_max_syn_backlog", "4096", raises},
		{"net.core.default_qdisc", "fq", false},
		{"net.ipv4.tcp_congestion_control", s.congestionControl(), false},
	}
	if s.bbr {
		writes = append(writes, SysctlWrite{"net.ipv4.tcp_slow_start_after_idle", "0", false})
	}
	return writes
}
