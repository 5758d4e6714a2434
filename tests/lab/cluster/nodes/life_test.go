// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"fastpath.cilium/lab/agent"
)

// site is what agents of these tests read when they start.
type site struct {
	config map[string]string
	fault  agentFault
	api    apiAccess
	err    error
}

func newSite() *site {
	return &site{config: map[string]string{"kube-proxy-replacement": "strict", "tunnel": "disabled", "ipv4-native-routing-cidr": "10.0.0.0/8"},
		fault: agentFault{startDelay: time.Second}}
}

func (s *site) read(frozen map[string]string) (boot, error) {
	config := frozen
	if config == nil {
		config = maps.Clone(s.config)
	}
	host := agent.Host{NodeName: "node-1", Kernel: defaultKernel,
		Devices: []agent.Device{{Name: "eth0", Driver: "virtio_net", IP: "192.168.1.10"}}}
	return boot{fault: s.fault, api: s.api, input: agent.Input{Version: "1.13.4", Config: config, Host: host}}, s.err
}

// clock drives a life through time.
type clock struct {
	t    *testing.T
	life *agentLife
	now  time.Time
}

func start(t *testing.T, s *site, freeze bool) *clock {
	c := &clock{t: t, life: &agentLife{}, now: time.Now()}
	c.after(0, s, freeze)
	return c
}

func (c *clock) after(wait time.Duration, s *site, freeze bool) view {
	c.t.Helper()
	c.now = c.now.Add(wait)
	if err := c.life.advance(c.now, freeze, s.read); err != nil {
		c.t.Fatal(err)
	}
	return c.life.view()
}

func TestBackOff(t *testing.T) {
	for restarts, want := range []int{1, 2, 4, 8, 10, 10} {
		if got := backOff(restarts); got != time.Duration(want)*time.Second {
			t.Errorf("after %d restarts: %v", restarts, got)
		}
	}
	if backOff(1000000) != mostBackOff {
		t.Error("the back-off grows without bounds")
	}
}

func TestAnAgentIsReadyAfterItsDelay(t *testing.T) {
	s := newSite()
	c := start(t, s, true)
	if now := c.after(999*time.Millisecond, s, true); !now.running || now.ready || now.agent != nil {
		t.Errorf("before its delay: %+v", now)
	}
	if now := c.after(time.Millisecond, s, true); !now.ready || now.agent == nil || now.restarts != 0 || now.log == "" {
		t.Errorf("after its delay: %+v", now)
	}
}

func TestARefusedConfigurationCrashLoops(t *testing.T) {
	s := newSite()
	s.config["bpf-lb-mode"], s.config["tunnel"] = "dsr", "vxlan"
	c := start(t, s, true)
	now := c.after(time.Second, s, true)
	if now.running || now.ready || now.last == nil || now.last.code != 1 || !strings.Contains(now.last.message, "tunneling") {
		t.Fatalf("after the refusal: %+v", now)
	}
	for restarts, wait := range []time.Duration{1, 2, 4, 8, 10} {
		if early := c.after(wait*time.Second-time.Millisecond, s, true); early.restarts != restarts || early.running {
			t.Fatalf("restart %d came too early: %+v", restarts+1, early)
		}
		if again := c.after(time.Millisecond, s, true); again.restarts != restarts+1 || !again.running || again.ready {
			t.Fatalf("restart %d did not come: %+v", restarts+1, again)
		}
		if crashed := c.after(time.Second, s, true); crashed.running || !strings.Contains(crashed.log, crashed.last.message) {
			t.Fatalf("restart %d did not crash: %+v", restarts+1, crashed)
		}
	}
	if now := c.life.view(); !strings.Contains(now.prevLog, now.last.message) {
		t.Errorf("the log of the run before is %q", now.prevLog)
	}
}

// A restart of the container re-reads the configuration only where the pod has not written it down.
func TestFrozenConfigurationOutlivesARestart(t *testing.T) {
	for _, freeze := range []bool{true, false} {
		s := newSite()
		s.fault.crash = "first start fails"
		c := start(t, s, freeze)
		c.after(time.Second, s, freeze)
		s.fault.crash = ""
		s.config["bpf-lb-mode"], s.config["tunnel"] = "dsr", "vxlan" // refused by whoever reads it
		c.after(time.Second, s, freeze)
		if now := c.after(time.Second, s, freeze); now.ready != freeze {
			t.Errorf("configuration written down %v: ready %v (%+v)", freeze, now.ready, now.last)
		}
	}
}

// It is the agent's container that crashed, and its restarts that are counted, whether there is an init container or not.
func TestACrashIsCountedAsTheAgents(t *testing.T) {
	for _, freeze := range []bool{true, false} {
		s := newSite()
		s.fault.crash = "giving up"
		c := start(t, s, freeze)
		c.after(time.Second, s, freeze)
		s.fault.crash = ""
		c.after(time.Second, s, freeze)
		if now := c.after(time.Second, s, freeze); !now.ready || now.restarts != 1 {
			t.Errorf("configuration written down %v: ready %v after %d restarts", freeze, now.ready, now.restarts)
		}
	}
}

func TestFlapRestartsOnce(t *testing.T) {
	s := newSite()
	s.fault.flap = true
	c := start(t, s, true)
	if now := c.after(time.Second, s, true); !now.ready {
		t.Fatalf("not ready at first: %+v", now)
	}
	if now := c.after(flapAfter, s, true); now.ready || now.restarts != 1 || now.last == nil {
		t.Fatalf("no restart: %+v", now)
	}
	if now := c.after(time.Second, s, true); !now.ready || !now.nextChange.IsZero() {
		t.Fatalf("not ready for good: %+v", now)
	}
}

func TestNeverReadyRunsAllTheSame(t *testing.T) {
	s := newSite()
	s.fault.neverReady = true
	c := start(t, s, true)
	if now := c.after(time.Hour, s, true); !now.running || now.ready || now.agent == nil {
		t.Errorf("%+v", now)
	}
}

func TestALifeThatCannotReadWaits(t *testing.T) {
	s := newSite()
	s.err = errors.New("the API server is away")
	life := &agentLife{}
	if err := life.advance(time.Now(), true, s.read); !errors.Is(err, s.err) || life.view().running {
		t.Errorf("error %v, %+v", err, life.view())
	}
}

func TestWithoutTheAPITheInitContainerFailsUntilItAnswers(t *testing.T) {
	s := newSite()
	s.api = apiAccess{"10.0.0.1:6443", refused}
	c := start(t, s, true)
	now := c.after(time.Second, s, true)
	if now.running || now.ready || now.build == nil || now.build.running || now.build.failed != 0 || now.restarts != 0 ||
		!strings.Contains(now.build.last.message, "Build config failed") {
		t.Fatalf("after the first try: %+v", now)
	}
	if again := c.after(time.Second, s, true); again.build == nil || !again.build.running || again.build.failed != 1 {
		t.Fatalf("the second try: %+v", again)
	}
	c.after(time.Second, s, true)
	s.api, s.config["tunnel"] = apiAccess{address: "10.0.0.1:6443"}, "geneve"
	c.after(2*time.Second, s, true)
	if well := c.after(time.Second, s, true); !well.ready || well.build != nil || well.restarts != 0 {
		t.Fatalf("with the API: %+v", well)
	}
	if c.life.frozen["tunnel"] != "geneve" {
		t.Error("a configuration was written down that could not be read")
	}
}

func TestWithoutTheAPIAnAgentThatHasItsConfigurationCrashes(t *testing.T) {
	for _, freeze := range []bool{true, false} {
		s := newSite()
		s.fault.flap = true
		c := start(t, s, freeze)
		c.after(time.Second, s, freeze)
		s.api = apiAccess{"10.96.0.1:443", timedOut}
		c.after(flapAfter, s, freeze)
		now := c.after(time.Second, s, freeze)
		if now.running || now.build != nil || now.last == nil || !strings.Contains(now.last.message, "dial tcp 10.96.0.1:443: i/o timeout") {
			t.Errorf("freeze %v: %+v", freeze, now)
		}
	}
}
