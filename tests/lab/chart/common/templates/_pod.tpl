{{- /* image.override is taken as it stands; else repository:tag, with the digest where useDigest asks for it. */ -}}
{{- define "lab.image" -}}
{{- if .override -}}
{{- .override -}}
{{- else -}}
{{- .repository -}}:{{- .tag -}}{{- if .useDigest -}}@{{- .digest -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lab.env" -}}
- name: K8S_NODE_NAME
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: spec.nodeName
- name: CILIUM_K8S_NAMESPACE
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.namespace
{{- include "lab.env.server" . }}
{{- end -}}

{{- /* fact: k8s_service_host. Up to 1.15 the port goes without the host; later it comes with the host only, even empty. */ -}}
{{- define "lab.env.server" -}}
{{- $old := semverCompare "<1.16" .Chart.Version -}}
{{- $ref := ternary (default dict .Values.k8sServiceHostRef) dict (semverCompare ">=1.18" .Chart.Version) -}}
{{- $referred := and $ref.name $ref.key -}}
{{- $server := include "lab.server" . | fromYaml -}}
{{- if $referred }}
- name: KUBERNETES_SERVICE_HOST
  valueFrom:
    configMapKeyRef:
      name: {{ $ref.name }}
      key: {{ $ref.key }}
{{- else if $server.host }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ $server.host | quote }}
{{- end }}
{{- if ternary $server.port (or $referred $server.host) $old }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ $server.port | quote }}
{{- end }}
{{- end -}}

{{- /*
Address of the API server as host and port, both text. "auto" takes it from the ConfigMap that kubeadm leaves; without one
1.19 refuses, earlier charts pass the word on.
*/ -}}
{{- define "lab.server" -}}
{{- $host := default "" .Values.k8sServiceHost | toString -}}
{{- $port := default "" .Values.k8sServicePort | toString -}}
{{- if and (eq $host "auto") (semverCompare ">=1.16" .Chart.Version) -}}
{{- $info := lookup "v1" "ConfigMap" "kube-public" "cluster-info" -}}
{{- if $info -}}
{{- $url := (first (fromYaml $info.data.kubeconfig).clusters).cluster.server -}}
{{- $address := splitList ":" (trimPrefix "https://" $url) -}}
{{- $host = first $address -}}
{{- $port = last $address -}}
{{- else if semverCompare ">=1.19" .Chart.Version -}}
{{- fail "k8sServiceHost is auto, but there is no ConfigMap kube-public/cluster-info to take the address from" -}}
{{- end -}}
{{- end -}}
{{- dict "host" $host "port" $port | toYaml -}}
{{- end -}}

{{- /* fact: rollout_cilium_pods */ -}}
{{- define "lab.configChecksum" -}}
cilium.io/cilium-configmap-checksum: {{ include (print .Template.BasePath "/configmap.tpl") . | sha256sum | quote }}
{{- end -}}
