{{- define "lab.probes" -}}
{{- $address := ternary "127.0.0.1" "::1" .Values.ipv4.enabled -}}
{{- range $name, $failures := dict "livenessProbe" 10 "readinessProbe" 3 "startupProbe" 105 }}
{{ $name }}:
  httpGet:
    host: {{ $address | quote }}
    path: /healthz
    port: {{ $.Values.healthPort }}
    scheme: HTTP
    httpHeaders:
    - name: brief
      value: "true"
  failureThreshold: {{ $failures }}
  periodSeconds: {{ ternary 2 30 (eq $name "startupProbe") }}
{{- end }}
{{- end -}}

{{- /* From 1.16 on the peer port is declared whenever Hubble is on; earlier charts declare it together with metrics only. */ -}}
{{- define "lab.peerPort" -}}
{{- if and .Values.hubble.enabled (semverCompare ">=1.16" .Chart.Version) -}}
ports:
- name: peer-service
  containerPort: {{ .Values.hubble.peerService.targetPort }}
  hostPort: {{ .Values.hubble.peerService.targetPort }}
  protocol: TCP
{{- end -}}
{{- end -}}
