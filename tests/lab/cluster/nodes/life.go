// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"sync"
	"time"

	"fastpath.cilium/lab/agent"
)

const (
	firstBackOff = time.Second
	mostBackOff  = 10 * time.Second
	flapAfter    = 2 * time.Second
	crashCode    = 1
	flapCode     = 2
	flapMessage  = "level=fatal msg=\"Interrupt received\" subsys=daemon"
)

// backOff is the wait before restart number restarts+1: 1 s, doubled each time, 10 s at most.
func backOff(restarts int) time.Duration {
	wait := firstBackOff
	for range restarts {
		if wait *= 2; wait >= mostBackOff {
			return mostBackOff
		}
	}
	return wait
}

type phase int

const (
	phaseNew phase = iota
	phaseStarting
	phaseRunning
	phaseBackOff
)

// termination is how a container's former run ended.
type termination struct {
	code              int
	message           string
	started, finished time.Time
}

// agentLife is the cilium-agent container of one pod, through all its restarts.
type agentLife struct {
	mu       sync.Mutex
	phase    phase
	started  time.Time // of this run
	due      time.Time // of the next change; zero when none is to come by itself
	restarts int
	last     *termination
	boot     boot
	frozen   map[string]string // the configuration of the pod's creation, where the pod keeps it
	running  *agent.Agent      // nil unless the agent has started
	log      string
	prevLog  string
	flapped  bool
	// The init container that puts the configuration together, where there is one; it fails without the API.
	building   bool
	failed     int // how often it did
	buildError *termination
}

// reader reads what an agent is to start with; see Simulator.readBoot.
type reader func(frozen map[string]string) (boot, error)

// advance makes the changes that are due by now. An error of read leaves the life as it was: try again.
func (l *agentLife) advance(now time.Time, freeze bool, read reader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase != phaseNew && (l.due.IsZero() || now.Before(l.due)) {
		return nil
	}
	switch l.phase {
	case phaseNew:
		return l.begin(now, freeze, read)
	case phaseStarting:
		l.launch(now)
	case phaseRunning: // only a flap is due here
		l.end(now, flapCode, flapMessage)
		l.flapped = true
		return l.restart(now, freeze, read)
	case phaseBackOff:
		return l.restart(now, freeze, read)
	}
	return nil
}

func (l *agentLife) restart(now time.Time, freeze bool, read reader) error {
	again := &l.restarts
	if l.building {
		again = &l.failed
	}
	if err := l.begin(now, freeze, read); err != nil {
		return err
	}
	*again++
	return nil
}

// begin starts the container; the agent in it needs until due to be up.
func (l *agentLife) begin(now time.Time, freeze bool, read reader) error {
	next, err := read(l.frozen)
	if err != nil {
		return err
	}
	l.building = freeze && l.frozen == nil
	if freeze && next.api.problem == "" {
		l.frozen = next.input.Config
	}
	l.boot, l.phase, l.started = next, phaseStarting, now
	l.due = now.Add(next.fault.startDelay)
	l.prevLog, l.log = l.log, ""
	return nil
}

// launch lets the agent accept or refuse its configuration.
func (l *agentLife) launch(now time.Time) {
	if l.boot.api.problem != "" {
		l.withoutAPI(now)
		return
	}
	l.building = false
	if l.boot.fault.crash != "" {
		l.crash(now, l.boot.fault.crash)
		return
	}
	started, err := agent.Start(l.boot.input)
	if err != nil {
		l.crash(now, err.Error())
		return
	}
	if err := changeHost(l.boot.root, started.HostSysctls()); err != nil {
		l.crash(now, err.Error())
		return
	}
	l.running, l.log = started, started.Log()
	l.phase, l.due = phaseRunning, time.Time{}
	if l.boot.fault.flap && !l.flapped {
		l.due = now.Add(flapAfter)
	}
}

func (l *agentLife) crash(now time.Time, message string) {
	l.end(now, crashCode, message)
	l.phase, l.due = phaseBackOff, now.Add(backOff(l.restarts))
}

// withoutAPI ends the init container, or the agent where there is none or it has done its work before.
func (l *agentLife) withoutAPI(now time.Time) {
	message := agent.WithoutAPI(l.boot.input.Version, l.boot.api.address, l.boot.api.problem, l.building)
	if !l.building {
		l.crash(now, message)
		return
	}
	l.buildError = &termination{code: crashCode, message: message, started: l.started, finished: now}
	l.phase, l.due = phaseBackOff, now.Add(backOff(l.failed))
}

func (l *agentLife) end(now time.Time, code int, message string) {
	l.last = &termination{code: code, message: message, started: l.started, finished: now}
	l.log += message + "\n"
	l.running = nil
}

// view is a container at one moment.
type view struct {
	running, ready bool
	started        time.Time
	restarts       int
	last           *termination
	log, prevLog   string
	agent          *agent.Agent
	nextChange     time.Time
	build          *build // of an init container that has failed
}

// build is an init container that could not put the configuration together.
type build struct {
	running bool // it tries again
	failed  int
	last    termination
}

func (l *agentLife) view() view {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.building && l.buildError != nil {
		retry := &build{running: l.phase == phaseStarting, failed: l.failed, last: *l.buildError}
		return view{started: l.started, nextChange: l.due, build: retry}
	}
	return view{
		running: l.phase == phaseStarting || l.phase == phaseRunning,
		ready:   l.phase == phaseRunning && !l.boot.fault.neverReady,
		started: l.started, restarts: l.restarts, last: l.last,
		log: l.log, prevLog: l.prevLog, agent: l.running, nextChange: l.due,
	}
}
