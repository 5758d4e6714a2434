{{- /*
The rules of chart_rules.md by which a chart refuses values. "rule:" names the row. No chart checks DSR, dispatch, XDP,
BBR or BIG TCP, so none is checked here.
*/ -}}
{{- define "lab.validate" -}}
{{- include "lab.validate.kubeProxyReplacement" . -}}
{{- include "lab.validate.l7" . -}}
{{- include "lab.validate.hubble" . -}}
{{- if semverCompare ">=1.14" .Chart.Version -}}{{- include "lab.validate.routing" . -}}{{- end -}}
{{- if semverCompare ">=1.14 <1.19" .Chart.Version -}}{{- include "lab.validate.pools" . -}}{{- end -}}
{{- if semverCompare ">=1.16" .Chart.Version -}}{{- include "lab.validate.removed" . -}}{{- end -}}
{{- if semverCompare ">=1.16" .Chart.Version -}}{{- include "lab.validate.clusterName" . -}}{{- end -}}
{{- if semverCompare ">=1.18" .Chart.Version -}}{{- include "lab.validate.nativeCidr" . -}}{{- end -}}
{{- if semverCompare ">=1.18" .Chart.Version -}}{{- include "lab.validate.serviceHost" . -}}{{- end -}}
{{- if semverCompare ">=1.19" .Chart.Version -}}{{- include "lab.validate.tproxy" . -}}{{- end -}}
{{- end -}}

{{- define "lab.replacements" -}}
{{- if semverCompare "<1.13" .Chart.Version -}}disabled partial probe strict
{{- else if semverCompare "<1.14" .Chart.Version -}}disabled partial strict
{{- else if semverCompare "<1.16" .Chart.Version -}}true false disabled partial strict
{{- else -}}true false
{{- end -}}
{{- end -}}

{{- /* rule: kubeProxyReplacement must be ... */ -}}
{{- define "lab.validate.kubeProxyReplacement" -}}
{{- $allowed := include "lab.replacements" . | splitList " " -}}
{{- if semverCompare "<1.14" .Chart.Version | and (eq (toString .Values.kubeProxyReplacement) "true") -}}
{{- if kindIs "bool" .Values.kubeProxyReplacement -}}
{{- fail "kubeProxyReplacement is a boolean; this chart compares it with words" -}}
{{- end -}}
{{- end -}}
{{- $mode := include "lab.kubeProxyReplacement" . -}}
{{- if not (has $mode $allowed) -}}
{{- fail (printf "kubeProxyReplacement is %q; this chart takes one of: %s" $mode (join ", " $allowed)) -}}
{{- end -}}
{{- end -}}

{{- /* rules: Ingress/Gateway API need kubeProxyReplacement ..., Ingress/Gateway API/L7 LB need l7Proxy */ -}}
{{- define "lab.validate.l7" -}}
{{- $old := semverCompare "<1.14" .Chart.Version -}}
{{- $ingress := and (semverCompare ">=1.12" .Chart.Version) .Values.ingressController.enabled -}}
{{- $gateway := and (semverCompare ">=1.13" .Chart.Version) .Values.gatewayAPI.enabled -}}
{{- $l7 := or $ingress $gateway -}}
{{- $balancer := and (not $old) (eq .Values.loadBalancer.l7.backend "envoy") -}}
{{- if and (or $l7 $balancer) (not .Values.l7Proxy) -}}
{{- fail "Ingress, Gateway API and the L7 load balancer need l7Proxy" -}}
{{- end -}}
{{- $words := list "partial" "strict" -}}
{{- if and $l7 (semverCompare ">=1.13 <1.14" .Chart.Version) (not (has (toString .Values.kubeProxyReplacement) $words)) -}}
{{- fail "Ingress and Gateway API need kubeProxyReplacement partial or strict" -}}
{{- end -}}
{{- if not $old -}}{{- include "lab.validate.envoy" . -}}{{- end -}}
{{- end -}}

{{- /* rule: Ingress/Gateway/EnvoyConfig need KPR explicitly true/false. The words other than "disabled" pass in 1.14 and 1.15. */ -}}
{{- define "lab.validate.envoy" -}}
{{- $wanted := or .Values.ingressController.enabled .Values.gatewayAPI.enabled (.Values.envoyConfig).enabled -}}
{{- if and $wanted (include "lab.kubeProxyReplacement" . | eq "disabled") -}}
{{- fail "Ingress, Gateway API and EnvoyConfig need kubeProxyReplacement true or false" -}}
{{- end -}}
{{- end -}}

{{- /* rule: hubble.relay.enabled needs hubble.enabled; hubble.ui.enabled needs relay */ -}}
{{- define "lab.validate.hubble" -}}
{{- $hubble := .Values.hubble -}}
{{- if and $hubble.ui.enabled (not $hubble.ui.standalone.enabled) (not $hubble.relay.enabled) -}}
{{- fail "hubble.ui.enabled needs hubble.relay.enabled" -}}
{{- end -}}
{{- if and $hubble.relay.enabled (not $hubble.enabled) -}}
{{- fail "hubble.relay.enabled needs hubble.enabled" -}}
{{- end -}}
{{- end -}}

{{- /* rules: `tunnel` removed; gke.enabled => native, aksbyocni.enabled => tunnel */ -}}
{{- define "lab.validate.routing" -}}
{{- if and .Values.tunnel (semverCompare ">=1.15" .Chart.Version) -}}
{{- fail "tunnel was removed from this chart: set routingMode and tunnelProtocol" -}}
{{- end -}}
{{- if and .Values.gke.enabled (ne (default "native" .Values.routingMode) "native") -}}
{{- fail "gke.enabled needs routingMode native" -}}
{{- end -}}
{{- if and .Values.aksbyocni.enabled (not .Values.gke.enabled) (ne (default "tunnel" .Values.routingMode) "tunnel") -}}
{{- fail "aksbyocni.enabled needs routingMode tunnel" -}}
{{- end -}}
{{- end -}}

{{- /* Rule of the charts 1.14 to 1.18: one range of a pool is a list of one. */ -}}
{{- define "lab.validate.pools" -}}
{{- $modes := ternary (list "cluster-pool" "cluster-pool-v2beta") (list "cluster-pool") (semverCompare "<1.15" .Chart.Version) -}}
{{- range $family := list "4" "6" -}}
{{- $former := printf "clusterPoolIPv%sPodCIDR" $family -}}
{{- $used := and (has (include "lab.ipam" $) $modes) (get $.Values (print "ipv" $family)).enabled -}}
{{- if and $used (hasKey $.Values.ipam.operator $former) -}}
{{- fail (printf "ipam.operator.%s was removed from this chart: set %sList" $former $former) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* rule: containerRuntime.integration, remoteNodeIdentity, encryption.{keyFile,...}, endpointStatus, proxy.prometheus removed */ -}}
{{- define "lab.validate.removed" -}}
{{- $values := .Values.AsMap -}}
{{- range $path := list "containerRuntime.integration" "remoteNodeIdentity" "endpointStatus" "encryption.keyFile" "encryption.mountPath" "encryption.secretName" "encryption.interface" "proxy.prometheus.port" -}}
{{- $found := dict -}}
{{- include "lab.find" (dict "node" $values "path" (splitList "." $path) "found" $found) -}}
{{- if $found.value -}}
{{- fail (printf "%s was removed from this chart" $path) -}}
{{- end -}}
{{- end -}}
{{- $found := dict -}}
{{- include "lab.find" (dict "node" $values "path" (list "proxy" "prometheus" "enabled") "found" $found) -}}
{{- if hasKey $found "value" -}}
{{- fail "proxy.prometheus.enabled was removed from this chart" -}}
{{- end -}}
{{- end -}}

{{- /* rule: cluster name invalid */ -}}
{{- define "lab.validate.clusterName" -}}
{{- $name := .Values.cluster.name -}}
{{- $skip := and (semverCompare "<1.17" .Chart.Version) (semverCompare "<1.16" (default .Chart.Version .Values.upgradeCompatibility)) -}}
{{- $valid := and (le (len $name) 32) (regexMatch "^([a-z0-9][-a-z0-9]*)?[a-z0-9]$" $name) -}}
{{- if or (eq $name "") (and (not $skip) (not $valid)) -}}
{{- fail (printf "cluster.name %q is not made of 1 to 32 lower case letters, digits and inner dashes" $name) -}}
{{- end -}}
{{- if and (eq $name "default") (ne (int .Values.cluster.id) 0) -}}
{{- fail "cluster.id other than 0 needs a cluster.name other than default" -}}
{{- end -}}
{{- end -}}

{{- /* rules: ipv4NativeRoutingCIDR must be set when ...; nativeRoutingCIDRFromClusterPool needs exactly one CIDR per family */ -}}
{{- define "lab.validate.nativeCidr" -}}
{{- $values := .Values -}}
{{- $pooled := eq (include "lab.cidrFromPool" .) "true" -}}
{{- if eq $values.routingMode "native" | and (not $values.ipMasqAgent.enabled) (not $pooled) -}}
{{- $elsewhere := has (include "lab.ipam" .) (list "eni" "alibabacloud") -}}
{{- if and $values.ipv4.enabled $values.enableIPv4Masquerade (not $elsewhere) (not $values.ipv4NativeRoutingCIDR) -}}
{{- fail "routingMode native with enableIPv4Masquerade needs ipv4NativeRoutingCIDR" -}}
{{- end -}}
{{- if and $values.ipv6.enabled $values.enableIPv6Masquerade (not $values.ipv6NativeRoutingCIDR) -}}
{{- fail "routingMode native with enableIPv6Masquerade needs ipv6NativeRoutingCIDR" -}}
{{- end -}}
{{- end -}}
{{- if $pooled -}}{{- include "lab.validate.poolSize" . -}}{{- end -}}
{{- end -}}

{{- define "lab.validate.poolSize" -}}
{{- range $family := list "4" "6" -}}
{{- $cidrs := splitList " " (join " " (get $.Values.ipam.operator (printf "clusterPoolIPv%sPodCIDRList" $family))) -}}
{{- $own := get $.Values (printf "ipv%sNativeRoutingCIDR" $family) -}}
{{- if and (get $.Values (print "ipv" $family)).enabled (not $own) (ne (len $cidrs) 1) -}}
{{- fail (printf "nativeRoutingCIDRFromClusterPool needs exactly one IPv%s range in the pool" $family) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* rule: k8sServiceHost and k8sServiceHostRef both set */ -}}
{{- define "lab.validate.serviceHost" -}}
{{- $ref := .Values.k8sServiceHostRef -}}
{{- if and $ref.name $ref.key .Values.k8sServiceHost -}}
{{- fail "k8sServiceHost and k8sServiceHostRef are both set: keep one" -}}
{{- end -}}
{{- end -}}

{{- /* rule: bpf.tproxy with datapathMode netkit/netkit-l2 */ -}}
{{- define "lab.validate.tproxy" -}}
{{- if and .Values.bpf.tproxy (has .Values.bpf.datapathMode (list "netkit" "netkit-l2")) -}}
{{- fail "bpf.tproxy cannot go with bpf.datapathMode netkit or netkit-l2" -}}
{{- end -}}
{{- end -}}
