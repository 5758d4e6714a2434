{{- /*
The keys of cilium-config as a YAML map. Names after "fact:" are rows of cilium_settings.yaml.
extraConfig comes last and keeps its types: a number there reaches the API server as a number, which refuses it,
as with the real chart.
*/ -}}
{{- define "lab.config" -}}
{{- $scope := dict "root" . "data" dict -}}
{{- include "lab.config.table" $scope -}}
{{- include "lab.config.routing" $scope -}}
{{- include "lab.config.kubeProxyReplacement" $scope -}}
{{- include "lab.config.masquerade" $scope -}}
{{- include "lab.config.noConntrack" $scope -}}
{{- include "lab.config.hostRouting" $scope -}}
{{- include "lab.config.chaining" $scope -}}
{{- include "lab.config.bandwidthManager" $scope -}}
{{- include "lab.config.hubble" $scope -}}
{{- include "lab.config.encryption" $scope -}}
{{- include "lab.config.clusterPool" $scope -}}
{{- include "lab.config.families" $scope -}}
{{- include "lab.config.proxy" $scope -}}
{{- range $key, $value := .Values.extraConfig -}}
{{- $_ := set $scope.data $key $value -}}
{{- end -}}
{{- toYaml $scope.data -}}
{{- end -}}

{{- /* fact: native_routing, tunnel_protocol */ -}}
{{- define "lab.config.routing" -}}
{{- $values := .root.Values -}}
{{- $version := .root.Chart.Version -}}
{{- if semverCompare "<1.14" $version -}}
{{- $tunnel := ternary "disabled" (ternary "vxlan" $values.tunnel $values.aksbyocni.enabled) $values.gke.enabled -}}
{{- $_ := set .data "tunnel" (toString $tunnel) -}}
{{- else -}}
{{- $mode := default (ternary "native" "tunnel" (include "lab.routesNatively" .root | eq "true")) $values.routingMode -}}
{{- $_ := set .data "routing-mode" $mode -}}
{{- $silent := and (semverCompare "<1.17" $version) (or $values.routingMode $values.gke.enabled) -}}
{{- if or $values.tunnelProtocol (not $silent) -}}
{{- $_ := set .data "tunnel-protocol" (default "vxlan" $values.tunnelProtocol) -}}
{{- end -}}
{{- end -}}
{{- if $values.gke.enabled -}}
{{- include "lab.config.gke" . -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.gke" -}}
{{- $_ := set .data "enable-endpoint-routes" "true" -}}
{{- if semverCompare "<1.14" .root.Chart.Version -}}
{{- $_ := set .data "enable-local-node-route" "false" -}}
{{- else -}}
{{- $_ := set .data "enable-health-check-loadbalancer-ip" "true" -}}
{{- end -}}
{{- end -}}

{{- /* Clouds that route pods' addresses themselves; ENI mode counts among them from 1.20. */ -}}
{{- define "lab.routesNatively" -}}
{{- $eni := and (semverCompare ">=1.20" .Chart.Version) .Values.eni.enabled -}}
{{- if or .Values.gke.enabled $eni -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{- /* fact: kube_proxy_replacement. 1.13 takes words, 1.16 and later a boolean (or its text). */ -}}
{{- define "lab.kubeProxyReplacement" -}}
{{- if semverCompare "<1.14" .Chart.Version -}}
{{- $since := default .Chart.Version .Values.upgradeCompatibility -}}
{{- coalesce .Values.kubeProxyReplacement (ternary "disabled" "probe" (semverCompare ">=1.12" $since)) -}}
{{- else if kindIs "bool" .Values.kubeProxyReplacement | or .Values.kubeProxyReplacement -}}
{{- toString .Values.kubeProxyReplacement -}}
{{- else -}}
{{- include "lab.kubeProxyReplacement.former" . -}}
{{- end -}}
{{- end -}}

{{- /* The default that an installation first made with an older chart keeps, up to 1.18. */ -}}
{{- define "lab.kubeProxyReplacement.former" -}}
{{- $since := default .Chart.Version .Values.upgradeCompatibility -}}
{{- if or (semverCompare ">=1.19" .Chart.Version) (semverCompare ">=1.14" $since) -}}false
{{- else if semverCompare ">=1.12" $since -}}disabled
{{- else if semverCompare ">=1.8" $since -}}probe
{{- else -}}false
{{- end -}}
{{- end -}}

{{- /* fact: kube_proxy_replacement. Its partial switches: see agent_rules.md, "KPR values". */ -}}
{{- define "lab.config.kubeProxyReplacement" -}}
{{- $values := .root.Values -}}
{{- $version := .root.Chart.Version -}}
{{- $mode := include "lab.kubeProxyReplacement" .root -}}
{{- $_ := set .data "kube-proxy-replacement" $mode -}}
{{- if or (eq $mode "true") (and (ne $mode "disabled") (semverCompare "<1.17" $version)) -}}
{{- $address := default "" $values.kubeProxyReplacementHealthzBindAddr -}}
{{- $_ := set .data "kube-proxy-replacement-healthz-bind-address" $address -}}
{{- end -}}
{{- if has $mode (list "partial" "false") -}}
{{- include "lab.config.partialReplacement" . -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.partialReplacement" -}}
{{- $values := .root.Values -}}
{{- if semverCompare "<1.18" .root.Chart.Version -}}
{{- $_ := set .data "enable-host-port" (toString $values.hostPort.enabled) -}}
{{- $_ := set .data "enable-external-ips" (toString $values.externalIPs.enabled) -}}
{{- end -}}
{{- if semverCompare "<1.19" .root.Chart.Version -}}
{{- $_ := set .data "enable-node-port" (toString $values.nodePort.enabled) -}}
{{- end -}}
{{- end -}}

{{- /* fact: bpf_masquerade. From 1.18 null stands for true; before, nobody fills it in. */ -}}
{{- define "lab.config.masquerade" -}}
{{- $values := .root.Values -}}
{{- $null := ternary "true" "" (semverCompare ">=1.18" .root.Chart.Version) -}}
{{- $ipv4 := $values.enableIPv4Masquerade -}}
{{- $_ := set .data "enable-ipv4-masquerade" (ternary $null (toString $ipv4) (kindIs "invalid" $ipv4)) -}}
{{- if semverCompare ">=1.16" .root.Chart.Version -}}
{{- $_ := set .data "enable-masquerade-to-route-source" (toString $values.enableMasqueradeRouteSource) -}}
{{- end -}}
{{- $since := default .root.Chart.Version $values.upgradeCompatibility -}}
{{- if not (kindIs "invalid" $values.bpf.masquerade) -}}
{{- $_ := set .data "enable-bpf-masquerade" (toString $values.bpf.masquerade) -}}
{{- else if semverCompare ">=1.8 <1.10" $since -}}
{{- $_ := set .data "enable-bpf-masquerade" "true" -}}
{{- end -}}
{{- end -}}

{{- define "lab.chained" -}}
{{- if eq (default "none" .Values.cni.chainingMode) "none" -}}false{{- else -}}true{{- end -}}
{{- end -}}

{{- /* Chained to another CNI plugin: that one owns routes and host networking. */ -}}
{{- define "lab.config.chaining" -}}
{{- $mode := default "none" .root.Values.cni.chainingMode -}}
{{- $_ := set .data "enable-endpoint-health-checking" (ternary "true" "false" (has $mode (list "none" "portmap"))) -}}
{{- if ne $mode "none" -}}
{{- $_ := set .data "cni-chaining-mode" $mode -}}
{{- if ne $mode "portmap" -}}
{{- $_ := set .data "enable-local-node-route" "false" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* fact: no_conntrack_iptables */ -}}
{{- define "lab.config.noConntrack" -}}
{{- $values := .root.Values -}}
{{- $chained := eq (include "lab.chained" .root) "true" -}}
{{- $managed := or $values.azure.enabled $values.eni.enabled $values.gke.enabled $chained -}}
{{- $wanted := ternary "false" (toString $values.installNoConntrackIptablesRules) $managed -}}
{{- $_ := set .data "install-no-conntrack-iptables-rules" $wanted -}}
{{- end -}}

{{- /* fact: host_routing */ -}}
{{- define "lab.config.hostRouting" -}}
{{- $legacy := .root.Values.bpf.hostLegacyRouting -}}
{{- if not (kindIs "invalid" $legacy) -}}
{{- $_ := set .data "enable-host-legacy-routing" (toString $legacy) -}}
{{- else if eq (include "lab.chained" .root) "true" -}}
{{- $_ := set .data "enable-host-legacy-routing" "true" -}}
{{- end -}}
{{- end -}}

{{- /* fact: bandwidth_manager, bbr. A bare boolean in 1.13 has no field "enabled": Helm stops there, as in the real one. */ -}}
{{- define "lab.config.bandwidthManager" -}}
{{- $manager := .root.Values.bandwidthManager -}}
{{- if .root.Values.bandwidthManager.enabled -}}
{{- $_ := set .data "enable-bandwidth-manager" (toString $manager.enabled) -}}
{{- $_ := set .data "enable-bbr" (toString $manager.bbr) -}}
{{- if semverCompare ">=1.18" .root.Chart.Version -}}
{{- $_ := set .data "enable-bbr-hostns-only" (toString $manager.bbrHostNamespaceOnly) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* fact: hubble_disable */ -}}
{{- define "lab.config.hubble" -}}
{{- $hubble := .root.Values.hubble -}}
{{- if or $hubble.enabled (semverCompare ">=1.17" .root.Chart.Version) -}}
{{- $_ := set .data "enable-hubble" (toString $hubble.enabled) -}}
{{- end -}}
{{- if $hubble.enabled -}}
{{- $_ := set .data "hubble-socket-path" $hubble.socketPath -}}
{{- if hasKey $hubble "listenAddress" -}}
{{- $_ := set .data "hubble-listen-address" $hubble.listenAddress -}}
{{- include "lab.config.hubbleTls" . -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.hubbleTls" -}}
{{- $tls := .root.Values.hubble.tls.enabled -}}
{{- $_ := set .data "hubble-disable-tls" (ternary "false" "true" $tls) -}}
{{- if $tls -}}
{{- $_ := set .data "hubble-tls-cert-file" "/var/lib/cilium/tls/hubble/server.crt" -}}
{{- $_ := set .data "hubble-tls-key-file" "/var/lib/cilium/tls/hubble/server.key" -}}
{{- $_ := set .data "hubble-tls-client-ca-files" "/var/lib/cilium/tls/hubble/client-ca.crt" -}}
{{- end -}}
{{- end -}}

{{- /* agent_rules.md: combinations with IPsec and WireGuard */ -}}
{{- define "lab.config.encryption" -}}
{{- $encryption := .root.Values.encryption -}}
{{- if $encryption.enabled -}}
{{- if eq $encryption.type "ipsec" -}}
{{- $_ := set .data "enable-ipsec" "true" -}}
{{- else if eq $encryption.type "wireguard" -}}
{{- $_ := set .data "enable-wireguard" "true" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* fact: ipv6_big_tcp (addresses of the second family), native_routing (range taken from the pool, 1.20) */ -}}
{{- define "lab.config.clusterPool" -}}
{{- if eq .root.Values.ipam.mode "cluster-pool" -}}
{{- range $family := list "4" "6" -}}
{{- if (get $.root.Values (print "ipv" $family)).enabled -}}
{{- include "lab.config.pool" (dict "root" $.root "data" $.data "family" $family) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.pool" -}}
{{- $operator := .root.Values.ipam.operator -}}
{{- $name := printf "clusterPoolIPv%sPodCIDR" .family -}}
{{- $list := get $operator (print $name "List") -}}
{{- $cidrs := ternary $list (get $operator $name) (not (empty $list)) -}}
{{- $_ := set .data (printf "cluster-pool-ipv%s-cidr" .family) (join " " $cidrs) -}}
{{- $size := get $operator (printf "clusterPoolIPv%sMaskSize" .family) -}}
{{- $_ := set .data (printf "cluster-pool-ipv%s-mask-size" .family) (toString $size) -}}
{{- $own := get .root.Values (printf "ipv%sNativeRoutingCIDR" .family) -}}
{{- if and (include "lab.cidrFromPool" .root | eq "true") (not $own) -}}
{{- $_ := set .data (printf "ipv%s-native-routing-cidr" .family) (join " " $cidrs) -}}
{{- end -}}
{{- end -}}

{{- define "lab.cidrFromPool" -}}
{{- $known := semverCompare ">=1.20" .Chart.Version -}}
{{- if and $known .Values.nativeRoutingCIDRFromClusterPool (eq .Values.ipam.mode "cluster-pool") -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{- define "lab.config.families" -}}
{{- $ipv4 := .root.Values.ipv4.enabled -}}
{{- $_ := set .data "operator-api-serve-addr" (ternary "127.0.0.1:9234" "[::1]:9234" $ipv4) -}}
{{- if and .root.Values.hubble.enabled (not $ipv4) (semverCompare ">=1.18" .root.Chart.Version) -}}
{{- $_ := set .data "hubble-prefer-ipv6" "true" -}}
{{- end -}}
{{- end -}}

{{- /*
From 1.16 Envoy has a DaemonSet of its own, unless the installation is older or there is no L7 proxy. The lab runs no Envoy;
the switch is here because it changes the agents' pod template.
*/ -}}
{{- define "lab.externalEnvoy" -}}
{{- $since := default .Chart.Version .Values.upgradeCompatibility -}}
{{- if and .Values.l7Proxy (semverCompare ">=1.16" $since) -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{- define "lab.config.proxy" -}}
{{- if semverCompare ">=1.16" .root.Chart.Version -}}
{{- $external := include "lab.externalEnvoy" .root -}}
{{- $_ := set .data "external-envoy-proxy" $external -}}
{{- if eq $external "false" -}}
{{- $_ := set .data "proxy-prometheus-port" "9964" -}}
{{- end -}}
{{- if eq (include "lab.chained" .root) "false" -}}
{{- $since := default .root.Chart.Version .root.Values.upgradeCompatibility -}}
{{- $_ := set .data "dnsproxy-enable-transparent-mode" (ternary "true" "false" (semverCompare ">=1.12" $since)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
