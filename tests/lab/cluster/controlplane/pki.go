// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const validYears = 10

// authority signs the lab's certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	der  []byte
}

// writePKI makes new certificates and keys for one lab, whose API server listens at address, below dir (mode 0700, files 0600).
func writePKI(dir, address string) (caPEM []byte, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"ca.crt": certPEM(ca.der)}
	for name, template := range leafTemplates(address) {
		if err := ca.issue(files, name, template); err != nil {
			return nil, err
		}
	}
	if err := serviceAccountKeys(files); err != nil {
		return nil, err
	}
	return files["ca.crt"], writeFiles(dir, files)
}

func newAuthority() (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := leaf("lab-ca")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert: cert, key: key, der: der}, err
}

// leafTemplates gives the certificates by file name. The API server shows kubelet-client to the simulated kubelets.
func leafTemplates(address string) map[string]*x509.Certificate {
	local := []net.IP{net.ParseIP(loopback)}
	api := leaf("kube-apiserver")
	api.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	api.IPAddresses = []net.IP{net.ParseIP(loopback), net.ParseIP(serviceIP), net.ParseIP(address)}
	api.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	kubelet := leaf("kubelet")
	kubelet.ExtKeyUsage, kubelet.IPAddresses = api.ExtKeyUsage, local
	client := leaf("kube-apiserver-kubelet-client")
	client.Subject.Organization = []string{"system:masters"} // real kubelets ask the API server whether it may
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return map[string]*x509.Certificate{"apiserver": api, "kubelet": kubelet, "kubelet-client": client}
}

func leaf(commonName string) *x509.Certificate {
	start := time.Now().Add(-time.Hour) // clocks of clients may be a little behind
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName},
		NotBefore: start, NotAfter: start.AddDate(validYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func (a *authority) issue(files map[string][]byte, name string, template *x509.Certificate) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	files[name+".crt"] = certPEM(der)
	files[name+".key"], err = keyPEM(key)
	return err
}

func serviceAccountKeys(files map[string][]byte) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	files["sa.pub"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	private, err := x509.MarshalECPrivateKey(key)
	files["sa.key"] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
	return err
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func newToken() (string, error) {
	raw := make([]byte, 16)
	_, err := rand.Read(raw)
	return hex.EncodeToString(raw), err
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
