// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"slices"
	"strings"
	"testing"
)

// proof says of one rule when it takes effect, independently of the rule's own table.
type proof struct {
	at      string    // the versions at which it must take effect, and no others
	effect  effect    // refuse, unless told otherwise
	config  changes   // what brings it about
	lifted  []changes // each of these on top must leave the rule without effect
	kernel  string
	enough  string // the first kernel that leaves the rule without effect
	devices []Device
	says    string            // the message, or what it begins with
	then    func(*state) bool // what the rule's own change must leave behind
}

// outcome runs the rules on an input and returns the names of those that took effect, and the state that each left.
func outcome(t *testing.T, in Input) (fired []string, after map[string]state, err error) {
	t.Helper()
	after = map[string]state{}
	watched := slices.Clone(rules)
	for i, r := range watched {
		watched[i].say = func(s *state) string { fired = append(fired, r.name); return r.say(s) }
		watched[i].change = func(s *state) {
			if r.change != nil {
				r.change(s)
			}
			after[r.name] = *s
		}
	}
	k, err := parseKernel(in.Host.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	err = applyRules(newState(mustVersion(t, in.Version), k, in), watched)
	return fired, after, err
}

func TestRules(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			p, known := proofs[r.name]
			if !known {
				t.Fatal("no proof of this rule")
			}
			if r.versions.text != p.at || r.effect != p.effect {
				t.Fatalf("versions %s and effect %d, should be %s and %d", r.versions.text, r.effect, p.at, p.effect)
			}
			for _, release := range releases {
				p.tryAt(t, r, release)
			}
		})
	}
	for name := range proofs {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
			t.Errorf("%s: a proof of no rule", name)
		}
	}
}

func (p proof) tryAt(t *testing.T, r rule, release string) {
	t.Helper()
	v := mustVersion(t, release)
	in := inputFor(release, configFor(v, p.config), p.kernel, p.devices)
	fired, after, err := outcome(t, in)
	wanted := versions(p.at).has(v)
	if slices.Contains(fired, r.name) != wanted {
		t.Fatalf("%s: takes effect: %v, should: %v (in effect: %v, error: %v)", release, !wanted, wanted, fired, err)
	}
	if !wanted {
		return
	}
	if r.effect == refuse {
		p.checkRefusal(t, in)
	} else {
		left := after[r.name]
		p.checkDegradation(t, &left, in)
	}
	p.checkLifted(t, r, v)
}

func (p proof) checkLifted(t *testing.T, r rule, v version) {
	t.Helper()
	for _, lift := range append(p.lifted, changes{}) {
		kernel := p.kernel
		if len(lift) == 0 {
			kernel = p.enough
		}
		in := inputFor(v.String(), configFor(v, p.config, lift), kernel, p.devices)
		if fired, _, _ := outcome(t, in); slices.Contains(fired, r.name) && (len(lift) > 0 || kernel != "") {
			t.Errorf("%s: still takes effect with %v, kernel %q", v, lift, kernel)
		}
	}
	if len(p.lifted) == 0 && p.enough == "" {
		t.Error("the proof does not say what lifts the rule")
	}
}

func (p proof) checkRefusal(t *testing.T, in Input) {
	t.Helper()
	_, err := Start(in)
	if err == nil || !strings.HasPrefix(err.Error(), p.says) {
		t.Errorf("%s: refuses with %q, should with %q", in.Version, err, p.says)
	}
}

func (p proof) checkDegradation(t *testing.T, left *state, in Input) {
	t.Helper()
	if p.effect == degrade && p.then == nil {
		t.Fatal("the proof does not say what the degradation leaves behind")
	}
	if p.then != nil && !p.then(left) {
		t.Errorf("%s: the degradation does not show in the state", in.Version)
	}
	a, err := Start(in)
	if err != nil {
		t.Fatalf("%s: refuses: %s", in.Version, err)
	}
	if !strings.Contains(a.Log(), "level=warn") || !strings.Contains(strings.ReplaceAll(a.Log(), `\"`, `"`), p.says) {
		t.Errorf("%s: the log has no %q:\n%s", in.Version, p.says, a.Log())
	}
}

// factRows are the rows of the table of agent-side validation, and what other tables rules stand on.
// false: not decidable from configuration, kernel, devices and version.
var factRows = map[string]bool{
	"mode dsr/hybrid + any tunnel":            true,
	"dispatch geneve":                         true,
	"hybrid + ipip":                           true,
	"dispatch ipip":                           true,
	"bpf-lb-mode-annotation":                  true,
	"XDP + tunnel":                            true,
	"bpf-lb-acceleration values":              true,
	"XDP native without driver support":       true,
	"XDP + WireGuard node encryption":         true,
	"NodePort/KPR + IPsec":                    true,
	"no-conntrack iptables":                   true,
	"BPF masq without NodePort/KPR":           true,
	"IPv6 masq + BPF masq":                    true,
	"host routing (BPF)":                      true,
	"bandwidth manager":                       true,
	"BBR":                                     true,
	"IPv6 BIG TCP":                            true,
	"netkit":                                  true,
	"distributed LRU":                         true,
	"NAT map > 2/3 CT maps":                   true,
	"maglev table size":                       true,
	"NAT46x64 + mode != snat":                 true,
	"multi-device + DSR + rp_filter=1":        false, // needs the node's sysctl
	"auto-direct-node-routes + tunnel":        true,
	"nodeport range vs ip_local_port_range":   true,
	"KPR values":                              true,
	"KPR strict + kernel":                     true,
	"socketLB hostNamespaceOnly":              true,
	"Kernel minimums":                         true,
	"settings table, dsr: allowed":            true,
	"settings table, native_routing: allowed": true,
	"settings table, maglev: allowed":         true,
	"settings table, netkit and datapath_lb_only: allowed": true,
	// Not in a table: what agents from 1.11.0 on are known to say.
	rowRange: true,
}

func TestEveryRowHasItsRules(t *testing.T) {
	have := map[string]bool{}
	for _, r := range rules {
		have[r.row] = true
		if _, known := factRows[r.row]; !known {
			t.Errorf("%s cites a row that the facts do not have: %q", r.name, r.row)
		}
	}
	for row, decidable := range factRows {
		if have[row] != decidable {
			t.Errorf("row %q: has rules: %v, should: %v", row, have[row], decidable)
		}
	}
}

func TestCitationsAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, r := range rules {
		if r.row == "" || r.name == "" || r.versions.text == "" {
			t.Errorf("rule %q does not say what it stands on: %q", r.name, r.citation())
		}
		for _, key := range []string{r.name, r.citation()} {
			if other, taken := seen[key]; taken {
				t.Errorf("%s and %s share %q", other, r.name, key)
			}
			seen[key] = r.name
		}
		if !strings.HasPrefix(r.citation(), r.row) || !strings.Contains(r.citation(), r.versions.text) {
			t.Errorf("%s: the citation %q leaves something out", r.name, r.citation())
		}
	}
}
