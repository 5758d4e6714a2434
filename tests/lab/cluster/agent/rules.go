// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import "slices"

type effect int

const (
	refuse  effect = iota // the agent does not start
	degrade               // the agent starts with less and says so in its log
	warn                  // the agent starts as asked and says so in its log
)

// rule is one cell of the facts about what an agent makes of a combination.
type rule struct {
	name     string // its own, used by its test
	row      string // the row of the facts, in its words
	clause   string // which part of the row's cell
	versions span
	effect   effect
	when     func(*state) bool
	say      func(*state) string
	change   func(*state) // what a degradation takes away
}

// citation names what the rule stands on: row, clause and versions.
func (r rule) citation() string {
	if r.clause == "" {
		return r.row + " (" + r.versions.text + ")"
	}
	return r.row + ": " + r.clause + " (" + r.versions.text + ")"
}

// rules in the order of an agent's start: later ones see what earlier ones took away.
var rules = slices.Concat(
	replacementKernelRules, kernelRules, valueRules, dispatchValueRules, routeRules, forwardingRules, dispatchRules,
	accelerationRules, encryptionRules, masqueradeRules, noTrackRules, hostRoutingRules,
	deviceModeRules, bandwidthRules, bigTCPRules, socketRules, mapRules,
)

// text is a message without parts that vary.
func text(message string) func(*state) string { return func(*state) string { return message } }
