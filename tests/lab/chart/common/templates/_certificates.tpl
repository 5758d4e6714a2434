{{- /* Puts the certificate authority into .authority: the cluster's own where there is one. 1.11 makes a new one each time. */ -}}
{{- define "lab.authority" -}}
{{- $held := dict -}}
{{- if semverCompare ">=1.12" .root.Chart.Version -}}
{{- $held = lookup "v1" "Secret" .root.Release.Namespace "cilium-ca" -}}
{{- end -}}
{{- if $held -}}
{{- $_ := set . "authority" (buildCustomCert (index $held.data "ca.crt") (index $held.data "ca.key")) -}}
{{- else -}}
{{- $_ := set . "authority" (genCA "Cilium CA" 1095) -}}
{{- end -}}
{{- end -}}

{{- /* Puts the server's pair, base64, into .pair. */ -}}
{{- define "lab.serverPair" -}}
{{- $held := dict -}}
{{- if semverCompare ">=1.18" .root.Chart.Version -}}
{{- $held = lookup "v1" "Secret" .root.Release.Namespace "hubble-server-certs" -}}
{{- end -}}
{{- if $held -}}
{{- $_ := set . "pair" (dict "crt" (index $held.data "tls.crt") "key" (index $held.data "tls.key")) -}}
{{- else -}}
{{- $name := printf "*.%s.hubble-grpc.cilium.io" (replace "." "-" .root.Values.cluster.name) -}}
{{- $days := int .root.Values.hubble.tls.auto.certValidityDuration -}}
{{- $pair := genSignedCert $name list (list $name) $days .authority -}}
{{- $_ := set . "pair" (dict "crt" (b64enc $pair.Cert) "key" (b64enc $pair.Key)) -}}
{{- end -}}
{{- end -}}
