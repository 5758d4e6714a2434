// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const textStatus = "KVStore: Ok\nCilium:                  Ok   1.13.4 (v1.13.4-4061cdfc)\nHubble: Ok\n"

func program(answer string) func(streams) int {
	return func(s streams) int {
		fmt.Fprint(s.out, answer)
		return 0
	}
}

func run(t *testing.T, fault, answer string) (code int, out, errw string) {
	t.Helper()
	f, err := ParseFault(fault)
	if err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	code = f.run(ctx, streams{in: strings.NewReader(""), out: &o, err: &e}, program(answer))
	return code, o.String(), e.String()
}

func TestParseFaultRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, text := range []string{"explode", "hang:5", "exit", "exit:", "exit:256:x", "exit:-1:x"} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%q became %+v", text, f)
		}
	}
}

func TestFaults(t *testing.T) {
	if code, out, _ := run(t, "", textStatus); code != 0 || out != textStatus {
		t.Errorf("no fault: %d %q", code, out)
	}
	if code, out, errw := run(t, "exit:7:disk: full", textStatus); code != 7 || out != "" || errw != "disk: full\n" {
		t.Errorf("exit: %d %q %q", code, out, errw)
	}
	if code, out, _ := run(t, "garbage", textStatus); code != 0 || len(out) != garbageBytes || !strings.Contains(out, "\x00") {
		t.Errorf("garbage: %d, %d bytes", code, len(out))
	}
	code, out, _ := run(t, "flood", textStatus)
	junk, rest, _ := strings.Cut(out, "\n")
	if code != 0 || len(junk) != floodBytes || rest != textStatus {
		t.Errorf("flood: %d, %d bytes in front of %q", code, len(junk), rest)
	}
	began := time.Now()
	if _, out, _ := run(t, "hang", textStatus); out != "" || time.Since(began) < 50*time.Millisecond {
		t.Errorf("hang answered %q after %v", out, time.Since(began))
	}
}

func TestHostileTextChangesTheMessageOnly(t *testing.T) {
	_, out, _ := run(t, "hostile", textStatus)
	want := strings.Replace(textStatus, "1.13.4 (v1.13.4-4061cdfc)", hostileText, 1)
	if out != want {
		t.Errorf("text: %q", out)
	}
	_, out, _ = run(t, "hostile", `{"cilium": {"state": "Ok", "msg": "1.13.4"}, "kubernetes": {"msg": "fine"}}`)
	var status map[string]map[string]string
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatal(err)
	}
	if status["cilium"]["msg"] != hostileText || status["cilium"]["state"] != "Ok" || status["kubernetes"]["msg"] != "fine" {
		t.Errorf("JSON: %v", status)
	}
}

func TestToolbox(t *testing.T) {
	for _, test := range []struct {
		command []string
		in, out string
		code    int
	}{
		{[]string{"true"}, "", "", 0}, {[]string{"false"}, "", "", 1},
		{[]string{"cat"}, "a\nb", "a\nb", 0}, {[]string{"echo", "a", "b"}, "", "a b\n", 0},
		{[]string{"env"}, "", "POD_NAME=p\n", 0}, {[]string{"exit", "42"}, "", "", 42},
		{[]string{"exit", "many"}, "", "", 2}, {[]string{"sh", "-c", "true"}, "", "", notInImage},
	} {
		var out bytes.Buffer
		e := executor{&Container{Environment: []string{"POD_NAME=p"}}}
		code := e.run(test.command, streams{in: strings.NewReader(test.in), out: &out, err: io.Discard})
		if code != test.code || out.String() != test.out {
			t.Errorf("%v: %d %q", test.command, code, out.String())
		}
	}
}

func TestLogOptions(t *testing.T) {
	c := &Container{Name: "one", Log: "a\nb\nc\n", PrevLog: "old\n"}
	for query, want := range map[string]string{
		"": "a\nb\nc\n", "tailLines=2": "b\nc\n", "tailLines=0": "", "tailLines=9": "a\nb\nc\n",
		"limitBytes=3": "a\nb", "previous=true": "old\n", "follow=true&timestamps=false": "a\nb\nc\n",
	} {
		values, _ := url.ParseQuery(query)
		if got, err := logText(c, values); err != nil || got != want {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
	for _, query := range []string{"sinceSeconds=5", "timestamps=true"} {
		values, _ := url.ParseQuery(query)
		if _, err := logText(c, values); err == nil {
			t.Errorf("%s was left aside in silence", query)
		}
	}
	if _, err := logText(&Container{Name: "new"}, url.Values{"previous": {"true"}}); err == nil {
		t.Error("a container without a former run has a former log")
	}
}

type oneContainer struct {
	container *Container
	err       error
}

func (o oneContainer) Container(context.Context, string, string, string) (*Container, error) {
	return o.container, o.err
}

func TestAnswersBeforeAnyCommandRuns(t *testing.T) {
	throttled, _ := ParseFault("throttle")
	for _, test := range []struct {
		name    string
		runtime oneContainer
		status  int
		body    string
	}{
		{"no pod", oneContainer{err: ErrNoPod}, 404, "pod does not exist"},
		{"crashed", oneContainer{container: &Container{Name: "cilium-agent"}}, 500, `container not found ("cilium-agent")`},
		{"throttled", oneContainer{container: &Container{Fault: throttled}}, 429, "too many requests"},
	} {
		answer := httptest.NewRecorder()
		(&server{test.runtime}).routes().ServeHTTP(answer, httptest.NewRequest("POST", "/exec/ns/pod/c?command=true&output=1", nil))
		if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.body) {
			t.Errorf("%s: %d %q", test.name, answer.Code, answer.Body)
		}
	}
}
