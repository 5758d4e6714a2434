// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Command agents starts simulated agents without a cluster: one JSON object with an agent's input a line on stdin, one with
// its refusal, or its status and log, a line on stdout. It answers thousands in a second.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"fastpath.cilium/lab/agent"
)

const longestLine = 1 << 20

type answer struct {
	Refused string          `json:"refused,omitempty"`
	Status  json.RawMessage `json:"status,omitempty"`
	Log     string          `json:"log,omitempty"`
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var in agent.Input
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return err
		}
		reply, err := start(in)
		if err != nil {
			return err
		}
		if err := encoder.Encode(reply); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// start is one agent's answer; its error is that of an input which is none.
func start(in agent.Input) (answer, error) {
	a, err := agent.Start(in)
	if err != nil {
		return answer{Refused: err.Error()}, nil
	}
	var status, problem bytes.Buffer
	for _, program := range []string{"cilium-dbg", "cilium"} {
		if a.Exec([]string{program, "status", "-o", "json"}, "ok", &status, &problem) == 0 {
			return answer{Status: json.RawMessage(bytes.TrimSpace(status.Bytes())), Log: a.Log()}, nil
		}
	}
	return answer{}, fmt.Errorf("the agent %s does not tell its status: %s", in.Version, problem.String())
}
