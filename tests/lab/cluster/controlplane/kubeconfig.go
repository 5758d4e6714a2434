// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// account is a user of the API server that comes with a token and a kubeconfig file of its own.
type account struct {
	name, group, kubeconfig string
	known                   bool   // false: the API server never hears of the token and answers 401
	user                    string // what the API server calls it, where that is not its name
}

var accounts = []account{
	{name: "admin", group: "system:masters", kubeconfig: "kubeconfig", known: true},
	{name: "auditor", kubeconfig: "kubeconfig-auditor", known: true},
	{name: "expired", kubeconfig: "kubeconfig-expired"},
}

func (l Lab) accounts() []account {
	if !l.Kubelets {
		return accounts
	}
	all := append([]account{}, accounts...)
	all = append(all, account{name: "kube-proxy", user: "system:kube-proxy", kubeconfig: "pki/kube-proxy.kubeconfig", known: true})
	for index := 1; index <= l.Nodes; index++ {
		name := fmt.Sprintf("node-%d", index)
		all = append(all, account{name: name, user: "system:node:" + name, group: "system:nodes",
			kubeconfig: "pki/" + name + ".kubeconfig", known: true})
	}
	return all
}

func (a account) userName() string {
	if a.user == "" {
		return a.name
	}
	return a.user
}

// writeAccounts writes tokens.csv for the API server and one kubeconfig per account beside it.
func (l Lab) writeAccounts(ca []byte) error {
	var tokens strings.Builder
	for _, a := range l.accounts() {
		token, err := newToken()
		if err != nil {
			return err
		}
		if a.known {
			fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, a.userName(), a.name, a.group)
		}
		config := kubeconfig(l.apiURL(), ca, a.name, token)
		if err := clientcmd.WriteToFile(*config, filepath.Join(l.Dir, a.kubeconfig)); err != nil {
			return err
		}
	}
	return writeFiles(filepath.Join(l.Dir, "pki"), map[string][]byte{"tokens.csv": []byte(tokens.String())})
}

func kubeconfig(server string, ca []byte, user, token string) *clientcmdapi.Config {
	c := clientcmdapi.NewConfig()
	c.Clusters["lab"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	c.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: user}
	c.CurrentContext = "lab"
	return c
}
