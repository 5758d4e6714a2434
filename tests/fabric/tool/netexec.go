// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const largestDatagram = 2048 // agnhost reads no more

// netexec answers as agnhost's netexec does: over HTTP /hostname, /clientip, /echo?msg= and /healthz, over UDP the words
// hostname, clientip and echo.
func netexec(args []string) int {
	flags := flag.NewFlagSet("netexec", flag.ExitOnError)
	httpPort := flags.Int("http-port", 8080, "port of the HTTP server")
	udpPort := flags.Int("udp-port", 8081, "port of the UDP server; -1: none")
	_ = flags.Parse(args) // ExitOnError
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 2)
	go func() { failed <- http.ListenAndServe(fmt.Sprintf(":%d", *httpPort), handlers()) }()
	if *udpPort >= 0 {
		go func() { failed <- serveUDP(*udpPort) }()
	}
	select {
	case <-signals:
		return 0
	case err := <-failed:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
}

func handlers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/hostname", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, hostname()) })
	mux.HandleFunc("/clientip", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("msg")) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func serveUDP(port int) error {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
	if err != nil {
		return err
	}
	buffer := make([]byte, largestDatagram)
	for {
		size, from, err := conn.ReadFromUDP(buffer)
		if err != nil {
			return err
		}
		if answer, ok := reply(string(buffer[:size]), from); ok {
			if _, err := conn.WriteToUDP([]byte(answer), from); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// reply to one datagram, in lower case as agnhost's; an unknown word gets none.
func reply(text string, from *net.UDPAddr) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "hostname":
		return hostname(), true
	case "clientip":
		return from.String(), true
	}
	return strings.CutPrefix(text, "echo ")
}
