{{- /* What the two programs need from the API server: reading nodes, pods and Cilium's own objects; the operator writes nodes. */ -}}
{{- $rules := dict "cilium" (list "get" "list" "watch") "cilium-operator" (list "get" "list" "watch" "patch" "update") }}
{{- range $name, $verbs := $rules }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
rules:
- apiGroups: [""]
  resources: [nodes, nodes/status, pods, services, endpoints, namespaces, configmaps]
  verbs: {{ toJson $verbs }}
- apiGroups: [cilium.io]
  resources: ["*"]
  verbs: {{ toJson $verbs }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
- kind: ServiceAccount
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
{{- end }}
