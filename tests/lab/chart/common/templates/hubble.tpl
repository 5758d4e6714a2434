{{- /*
general_pitfalls: with hubble.tls.auto.method=helm the certificates differ from render to render. The charts look up what
the cluster holds already: the authority from 1.12, the server's pair from 1.18. A render without a cluster finds nothing.
*/ -}}
{{- $hubble := .Values.hubble }}
{{- if and $hubble.enabled $hubble.tls.enabled $hubble.tls.auto.enabled (eq $hubble.tls.auto.method "helm") }}
{{- $scope := dict "root" . }}
{{- include "lab.authority" $scope }}
{{- include "lab.serverPair" $scope }}
{{- $secrets := dict }}
{{- if semverCompare ">=1.12" .Chart.Version }}
{{- $_ := set $secrets "cilium-ca" $scope.authority }}
{{- end }}
{{- if semverCompare "<1.14" .Chart.Version }}
{{- $_ := set $secrets "hubble-ca-secret" $scope.authority }}
{{- end }}
{{- range $name, $authority := $secrets }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
data:
  ca.crt: {{ $authority.Cert | b64enc }}
  ca.key: {{ $authority.Key | b64enc }}
{{- end }}
---
apiVersion: v1
kind: Secret
metadata:
  name: hubble-server-certs
  namespace: {{ .Release.Namespace }}
type: kubernetes.io/tls
data:
  ca.crt: {{ $scope.authority.Cert | b64enc }}
  tls.crt: {{ $scope.pair.crt }}
  tls.key: {{ $scope.pair.key }}
{{- end }}
{{- if $hubble.enabled }}
---
apiVersion: v1
kind: Service
metadata:
  name: hubble-peer
  namespace: {{ .Release.Namespace }}
  labels:
    k8s-app: cilium
spec:
  selector:
    k8s-app: cilium
  internalTrafficPolicy: Local
  ports:
  - name: peer-service
    port: {{ ternary 443 80 $hubble.tls.enabled }}
    targetPort: {{ $hubble.peerService.targetPort }}
    protocol: TCP
{{- end }}
