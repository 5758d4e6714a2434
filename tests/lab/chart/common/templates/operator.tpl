{{- if .Values.operator.enabled }}
{{- $labels := dict "io.cilium/app" "operator" "name" "cilium-operator" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cilium-operator
  namespace: {{ .Release.Namespace }}
  labels:
    {{- toYaml $labels | nindent 4 }}
spec:
  replicas: {{ .Values.operator.replicas }}
  selector:
    matchLabels:
      {{- toYaml $labels | nindent 6 }}
  strategy:
    {{- toYaml .Values.operator.updateStrategy | nindent 4 }}
  template:
    metadata:
      annotations:
        kubectl.kubernetes.io/default-container: cilium-operator
        {{- if .Values.operator.rollOutPods }}
        {{- include "lab.configChecksum" . | nindent 8 }}
        {{- end }}
      labels:
        {{- toYaml $labels | nindent 8 }}
    spec:
      serviceAccountName: cilium-operator
      hostNetwork: true
      priorityClassName: system-cluster-critical
      restartPolicy: Always
      nodeSelector:
        kubernetes.io/os: linux
      tolerations:
      - operator: Exists
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                io.cilium/app: operator
      containers:
      - name: cilium-operator
        image: {{ include "lab.image" .Values.operator.image | quote }}
        imagePullPolicy: {{ .Values.operator.image.pullPolicy }}
        command:
        - cilium-operator-generic
        args:
        - --config-dir=/tmp/cilium/config-map
        env:
        {{- include "lab.env" . | nindent 8 }}
        volumeMounts:
        - name: cilium-config-path
          mountPath: /tmp/cilium/config-map
          readOnly: true
      volumes:
      - name: cilium-config-path
        configMap:
          name: cilium-config
{{- end }}
