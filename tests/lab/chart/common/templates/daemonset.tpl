{{- $hubbleTls := and .Values.hubble.enabled .Values.hubble.tls.enabled (hasKey .Values.hubble "listenAddress") }}
{{- $envoy := and (semverCompare ">=1.16" .Chart.Version) (include "lab.externalEnvoy" . | eq "true") }}
{{- /* fact: cilium_node_config. Up to 1.12 the agent reads cilium-config itself; later an init container puts it together. */ -}}
{{- $mounted := semverCompare "<1.13" .Chart.Version }}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: cilium
  namespace: {{ .Release.Namespace }}
  labels:
    k8s-app: cilium
    app.kubernetes.io/name: cilium-agent
    app.kubernetes.io/part-of: cilium
spec:
  selector:
    matchLabels:
      k8s-app: cilium
  updateStrategy:
    {{- toYaml .Values.updateStrategy | nindent 4 }}
  template:
    metadata:
      annotations:
        kubectl.kubernetes.io/default-container: cilium-agent
        {{- if .Values.rollOutCiliumPods }}
        {{- include "lab.configChecksum" . | nindent 8 }}
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      labels:
        k8s-app: cilium
        app.kubernetes.io/name: cilium-agent
        app.kubernetes.io/part-of: cilium
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: cilium
      hostNetwork: true
      priorityClassName: system-node-critical
      restartPolicy: Always
      terminationGracePeriodSeconds: {{ ternary 1 .Values.terminationGracePeriodSeconds (semverCompare "<1.12" .Chart.Version) }}
      {{- if semverCompare ">=1.12" .Chart.Version }}
      nodeSelector:
        {{- toYaml .Values.nodeSelector | nindent 8 }}
      {{- end }}
      tolerations:
        {{- toYaml .Values.tolerations | nindent 8 }}
      {{- if not $mounted }}
      initContainers:
      - name: config
        image: {{ include "lab.image" .Values.image | quote }}
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        command:
        - {{ semverCompare ">=1.15" .Chart.Version | ternary "cilium-dbg" "cilium" }}
        - build-config
        env:
        {{- include "lab.env" . | nindent 8 }}
        volumeMounts:
        - name: tmp
          mountPath: /tmp
      {{- end }}
      containers:
      - name: cilium-agent
        image: {{ include "lab.image" .Values.image | quote }}
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        command:
        - cilium-agent
        args:
        - --config-dir=/tmp/cilium/config-map
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        env:
        {{- include "lab.env" . | nindent 8 }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "lab.probes" . | nindent 8 }}
        {{- include "lab.peerPort" . | nindent 8 }}
        volumeMounts:
        - name: cilium-run
          mountPath: /var/run/cilium
        - name: bpf-maps
          mountPath: /sys/fs/bpf
          mountPropagation: HostToContainer
        {{- if $hubbleTls }}
        - name: hubble-tls
          mountPath: /var/lib/cilium/tls/hubble
          readOnly: true
        {{- end }}
        {{- if .Values.ipMasqAgent.enabled }}
        - name: ip-masq-agent
          mountPath: /etc/config
          readOnly: true
        {{- end }}
        {{- if $envoy }}
        - name: envoy-sockets
          mountPath: /var/run/cilium/envoy/sockets
        {{- end }}
        {{- if $mounted }}
        - name: cilium-config-path
          mountPath: /tmp/cilium/config-map
          readOnly: true
        {{- else }}
        - name: tmp
          mountPath: /tmp
        {{- end }}
      volumes:
      {{- if $mounted }}
      - name: cilium-config-path
        configMap:
          name: cilium-config
      {{- else }}
      - name: tmp
        emptyDir: {}
      {{- end }}
      - name: cilium-run
        hostPath:
          path: /var/run/cilium
          type: DirectoryOrCreate
      - name: bpf-maps
        hostPath:
          path: /sys/fs/bpf
          type: DirectoryOrCreate
      {{- if $hubbleTls }}
      - name: hubble-tls
        projected:
          defaultMode: 0400
          sources:
          - secret:
              name: hubble-server-certs
              optional: true
              items:
              - {key: tls.crt, path: server.crt}
              - {key: tls.key, path: server.key}
              - {key: ca.crt, path: client-ca.crt}
      {{- end }}
      {{- if .Values.ipMasqAgent.enabled }}
      - name: ip-masq-agent
        configMap:
          name: ip-masq-agent
          optional: true
      {{- end }}
      {{- if $envoy }}
      - name: envoy-sockets
        hostPath:
          path: /var/run/cilium/envoy/sockets
          type: DirectoryOrCreate
      {{- end }}
