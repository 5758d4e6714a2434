// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports of one lab, all on loopback.
type Ports struct {
	APIServer         int `json:"apiserver"`
	Etcd              int `json:"etcd"`
	EtcdPeer          int `json:"etcd_peer"`
	ControllerManager int `json:"controller_manager"`
	Scheduler         int `json:"scheduler"`
	Kubelet           int `json:"kubelet"`
	Closed            int `json:"closed"` // nothing ever listens here: the kubelet of an unreachable node
}

// Blocks lie below the usual range of outgoing connections (32768 on), so no client socket can take a port
// between the check and the component's own bind.
const (
	firstPort   = 20000
	blockSize   = 8
	blockCount  = 1200
	maxAttempts = 200
)

// claimPorts finds a block of free ports. The listener holds the block's first port: as long as it is open no
// other lab takes the block.
func claimPorts() (Ports, net.Listener, error) {
	for range maxAttempts {
		base := firstPort + blockSize*rand.IntN(blockCount)
		claim, err := listen(base)
		if err != nil {
			continue
		}
		if allFree(base+1, blockSize-1) {
			return portsFrom(base), claim, nil
		}
		claim.Close()
	}
	return Ports{}, nil, errors.New("no free block of loopback ports between 20000 and 29600: end what listens there")
}

func portsFrom(base int) Ports {
	return Ports{
		APIServer: base + 1, Etcd: base + 2, EtcdPeer: base + 3, ControllerManager: base + 4,
		Scheduler: base + 5, Kubelet: base + 6, Closed: base + 7,
	}
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

func allFree(first, count int) bool {
	for port := first; port < first+count; port++ {
		l, err := listen(port)
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
