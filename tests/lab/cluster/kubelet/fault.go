// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Fault is what goes wrong with every exec on a node (annotation lab/exec); the zero value is none.
type Fault struct {
	kind    string
	code    int
	message string
}

// Kinds of faults.
const (
	hang        = "hang"        // no answer until the caller gives up
	garbage     = "garbage"     // binary noise, exit code 0
	flood       = "flood"       // a line of 1 MB in front of the right answer
	exitCode    = "exit"        // exit:<code>:<message>
	throttle    = "throttle"    // HTTP 429
	hostile     = "hostile"     // the right answer with a message that tries to be more than text
	unreachable = "unreachable" // no connection to the kubelet
)

const (
	garbageBytes = 64 << 10
	floodBytes   = 1 << 20
)

// hostileText tries a template engine, a terminal and a web page.
const hostileText = "{{ lookup('pipe','touch /tmp/x') }} {% for i in x %} \x1b[2J\x1b]0;owned\x07\x1b[31mred " +
	"<script>alert(1)</script>"

// ParseFault reads the annotation's value.
func ParseFault(text string) (Fault, error) {
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "", hang, garbage, flood, throttle, hostile, unreachable:
		if rest == "" {
			return Fault{kind: kind}, nil
		}
	case exitCode:
		number, message, _ := strings.Cut(rest, ":")
		if code, err := strconv.ParseUint(number, 10, 8); err == nil {
			return Fault{kind: kind, code: int(code), message: message}, nil
		}
	}
	return Fault{}, fmt.Errorf("lab/exec: %q is no fault: use hang, garbage, flood, exit:<code>:<message>, "+
		"throttle, hostile or unreachable", text)
}

// Unreachable says whether the node's kubelet is to look dead.
func (f Fault) Unreachable() bool { return f.kind == unreachable }

// refuse answers the request itself where the fault lies before the command; true if it did.
func (f Fault) refuse(w http.ResponseWriter) bool {
	switch f.kind {
	case throttle:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests, please try again later", http.StatusTooManyRequests)
	case unreachable: // a connection made before the node's port went away
		reset(w)
	default:
		return false
	}
	return true
}

func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(interface{ NetConn() net.Conn }); ok {
		if c, ok := tcp.NetConn().(*net.TCPConn); ok {
			_ = c.SetLinger(0) // close sends a reset
			_ = c.Close()
		}
	}
	_ = conn.Close()
}

// run runs program as the fault allows and returns the exit code.
func (f Fault) run(ctx context.Context, s streams, program func(streams) int) int {
	switch f.kind {
	case hang:
		<-ctx.Done()
		return 1
	case garbage:
		_, _ = s.out.Write(noise(garbageBytes))
		return 0
	case exitCode:
		fmt.Fprintln(s.err, f.message)
		return f.code
	case flood:
		_, _ = io.WriteString(s.out, strings.Repeat("x", floodBytes)+"\n")
	case hostile:
		return spoil(s, program)
	}
	return program(s)
}

func noise(size int) []byte {
	bytes := make([]byte, size)
	for i := range bytes {
		bytes[i] = byte(rand.IntN(256))
	}
	return bytes
}

// spoil puts hostileText where an agent's status has its own health message.
func spoil(s streams, program func(streams) int) int {
	var answer bytes.Buffer
	code := program(streams{in: s.in, out: &answer, err: s.err})
	_, _ = s.out.Write(spoilStatus(answer.Bytes()))
	return code
}

// healthLine is the line of the text format; the message follows the state.
var healthLine = regexp.MustCompile(`(?m)^(Cilium:[ \t]+\w+).*$`)

func spoilStatus(answer []byte) []byte {
	var status map[string]any
	if json.Unmarshal(answer, &status) == nil {
		if cilium, ok := status["cilium"].(map[string]any); ok {
			cilium["msg"] = hostileText
			spoiled, _ := json.Marshal(status) // it was JSON a moment ago
			return append(spoiled, '\n')
		}
		return answer
	}
	return healthLine.ReplaceAll(answer, []byte("${1}   "+hostileText))
}
