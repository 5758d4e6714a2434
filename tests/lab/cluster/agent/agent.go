// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Package agent simulates a Cilium agent: what it accepts, how it degrades, and what its commands print.
//
// It is written from the behaviour of the agents 1.11 to 1.20; every rule names the row of the facts it stands for.
package agent

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Device is a network device of a node; Driver is its kernel driver's name ("virtio_net", "mlx5_core", "wireguard").
type Device struct{ Name, Driver, IP string }

// Host is the node an agent runs on; Kernel is what `uname -r` says.
type Host struct {
	NodeName, Kernel string
	Devices          []Device
}

// Input is everything an agent starts from; Config is its effective cilium-config.
type Input struct {
	Version string
	Config  map[string]string
	Host    Host
}

// Agent is a running agent. It is safe for concurrent use: nothing changes after Start but the results of its probes.
type Agent struct {
	state   *state
	started time.Time
	prober  prober
}

// Start brings an agent up; its error is the fatal message of an agent that refuses this configuration.
func Start(in Input) (*Agent, error) {
	v, err := parseVersion(in.Version)
	if err != nil {
		return nil, err
	}
	k, err := parseKernel(in.Host.Kernel)
	if err != nil {
		return nil, err
	}
	s := newState(v, k, in)
	s.logStart(in.Config)
	if err := applyRules(s, rules); err != nil {
		return nil, err
	}
	s.logLine("info", "Daemon initialization completed")
	return &Agent{state: s, started: time.Now()}, nil
}

// Log returns the lines the agent has logged, among them every degradation.
func (a *Agent) Log() string { return strings.Join(a.state.log, "\n") + "\n" }

// logLine writes a line as the version's logger does: logrus up to 1.17, slog from 1.18.
func (s *state) logLine(level, message string) {
	if s.version.atLeast(18) {
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
		s.log = append(s.log, fmt.Sprintf("time=%s level=%s msg=%q module=agent", now, level, message))
		return
	}
	if level == "warn" {
		level = "warning"
	}
	s.log = append(s.log, fmt.Sprintf("level=%s msg=%q subsys=daemon", level, message))
}

func (s *state) logStart(config map[string]string) {
	keys := make([]string, 0, len(config))
	for key := range config {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		s.logLine("info", fmt.Sprintf("  --%s='%s'", key, config[key]))
	}
	s.logLine("info", fmt.Sprintf("Cilium %s %s", s.version, buildHash(s.version)))
	s.logLine("info", "Initializing daemon")
}

// applyRules takes the rules in their order: the first refusal ends it, degradations change what follows.
func applyRules(s *state, all []rule) error {
	for _, r := range all {
		if !r.versions.has(s.version) || !r.when(s) {
			continue
		}
		if r.effect == refuse {
			return errors.New(r.say(s))
		}
		s.logLine("warn", r.say(s))
		if r.change != nil {
			r.change(s)
		}
	}
	return nil
}
