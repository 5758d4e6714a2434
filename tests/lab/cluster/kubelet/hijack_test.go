// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// hijackable gives out one end of a connection, with early bytes of the client read already.
type hijackable struct {
	*httptest.ResponseRecorder
	conn  net.Conn
	early string
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	reader := bufio.NewReader(io.MultiReader(strings.NewReader(h.early), h.conn))
	if len(h.early) > 0 {
		_, _ = reader.Peek(len(h.early))
	}
	return h.conn, bufio.NewReadWriter(reader, bufio.NewWriter(h.conn)), nil
}

func hijack(t *testing.T, early string) (client net.Conn, conn net.Conn, buffers *bufio.ReadWriter, ctx context.Context) {
	t.Helper()
	ours, client := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); client.Close(); ours.Close() })
	watcher := &hijackWatcher{hijackable{httptest.NewRecorder(), ours, early}, cancel}
	conn, buffers, err := watcher.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	return client, conn, buffers, ctx
}

func TestBytesSentAheadAreReadFirst(t *testing.T) {
	client, _, buffers, _ := hijack(t, "early")
	go func() {
		_, _ = io.WriteString(client, " late")
		client.Close()
	}()
	if text, err := io.ReadAll(buffers.Reader); err != nil || string(text) != "early late" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTheCommandEndsWithItsConnection(t *testing.T) {
	for _, end := range []string{"caller", "server"} {
		client, conn, buffers, ctx := hijack(t, "")
		if ctx.Err() != nil {
			t.Fatal("ended before the connection did")
		}
		if end == "caller" {
			client.Close()
			_, _ = buffers.ReadByte()
		} else {
			conn.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
			t.Errorf("%s closed the connection, the command goes on", end)
		}
	}
}
