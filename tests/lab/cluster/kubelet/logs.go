// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const followInterval = 300 * time.Millisecond

// logs serves a container's log: tailLines, limitBytes, previous and follow as the API documents them.
func (s *server) logs(w http.ResponseWriter, r *http.Request) {
	c := s.container(w, r)
	if c == nil || c.Fault.refuse(w) {
		return
	}
	text, err := logText(c, r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text)
	if r.FormValue("follow") == "true" {
		s.follow(w, r, c.Log)
	}
}

func logText(c *Container, query url.Values) (string, error) {
	for _, option := range []string{"sinceSeconds", "sinceTime", "timestamps"} {
		if value := query.Get(option); value != "" && value != "false" {
			return "", fmt.Errorf("the lab's kubelet does not know the log option %s", option)
		}
	}
	text := c.Log
	if query.Get("previous") == "true" {
		if text = c.PrevLog; text == "" {
			return "", fmt.Errorf("previous terminated container %q not found", c.Name)
		}
	}
	return limitBytes(tailLines(text, query.Get("tailLines")), query.Get("limitBytes")), nil
}

func tailLines(text, limit string) string {
	count, err := strconv.Atoi(limit)
	if err != nil {
		return text // not asked for; the API server has checked the number
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines[max(0, len(lines)-count):], "")
}

func limitBytes(text, limit string) string {
	count, err := strconv.Atoi(limit)
	if err != nil {
		return text
	}
	return text[:min(len(text), count)]
}

// follow sends what is added to the log until the caller leaves or the pod is gone. A restart starts a new log.
func (s *server) follow(w http.ResponseWriter, r *http.Request, sent string) {
	for r.Context().Err() == nil {
		w.(http.Flusher).Flush()
		time.Sleep(followInterval)
		c, err := s.runtime.Container(r.Context(), r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container"))
		if err != nil {
			return
		}
		_, _ = io.WriteString(w, strings.TrimPrefix(c.Log, sent))
		sent = c.Log
	}
}
