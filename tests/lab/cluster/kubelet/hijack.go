// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
)

// hijackWatcher cancels a request's context when its hijacked connection ends: net/http no longer does so then.
// It must not have an Unwrap method: the WebSocket code unwraps decorated writers and would miss it.
type hijackWatcher struct {
	http.ResponseWriter
	cancel context.CancelFunc
}

func (h *hijackWatcher) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return conn, buffers, err
	}
	watched := &watchedConn{conn, h.cancel}
	early, _ := buffers.Reader.Peek(buffers.Reader.Buffered()) // what the client sent ahead is not lost
	reader := io.MultiReader(bytes.NewReader(bytes.Clone(early)), watched)
	return watched, bufio.NewReadWriter(bufio.NewReader(reader), bufio.NewWriter(watched)), nil
}

func (h *hijackWatcher) Flush() { h.ResponseWriter.(http.Flusher).Flush() }

type watchedConn struct {
	net.Conn
	cancel context.CancelFunc
}

func (c *watchedConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	if err != nil {
		c.cancel()
	}
	return n, err
}

// Close cancels as well: a WebSocket close frame ends a session without a read error.
func (c *watchedConn) Close() error {
	c.cancel()
	return c.Conn.Close()
}
