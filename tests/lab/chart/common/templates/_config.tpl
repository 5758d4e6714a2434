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
{{- include "lab.config.hostServices" $scope -}}
{{- include "lab.config.masquerade" $scope -}}
{{- include "lab.config.noConntrack" $scope -}}
{{- include "lab.config.hostRouting" $scope -}}
{{- include "lab.config.chaining" $scope -}}
{{- include "lab.config.bandwidthManager" $scope -}}
{{- include "lab.config.hubble" $scope -}}
{{- include "lab.config.encryption" $scope -}}
{{- include "lab.config.ipam" $scope -}}
{{- include "lab.config.families" $scope -}}
{{- include "lab.config.gateway" $scope -}}
{{- include "lab.config.proxy" $scope -}}
{{- include "lab.config.dnsProxy" $scope -}}
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
{{- $former := include "lab.formerTunnel" .root -}}
{{- $native := or (include "lab.routesNatively" .root | eq "true") (eq $former "disabled") -}}
{{- $mode := default (ternary "native" "tunnel" $native) $values.routingMode -}}
{{- $_ := set .data "routing-mode" (toString $mode) -}}
{{- $told := and $values.routingMode (not $values.aksbyocni.enabled) -}}
{{- $silent := and (semverCompare "<1.17" $version) (or $told $native) -}}
{{- if or $values.tunnelProtocol (not $silent) -}}
{{- $_ := set .data "tunnel-protocol" (default (ternary "geneve" "vxlan" (eq $former "geneve")) $values.tunnelProtocol) -}}
{{- end -}}
{{- end -}}
{{- if $values.gke.enabled -}}
{{- include "lab.config.gke" . -}}
{{- end -}}
{{- if $values.eni.enabled -}}
{{- $_ := set .data "enable-endpoint-routes" "true" -}}
{{- end -}}
{{- end -}}

{{- /* The value that 1.14 still reads where neither routingMode nor the cloud says how to route. */ -}}
{{- define "lab.formerTunnel" -}}
{{- $decided := or .Values.routingMode .Values.gke.enabled .Values.aksbyocni.enabled -}}
{{- if and (semverCompare "<1.15" .Chart.Version) (not $decided) -}}{{- .Values.tunnel -}}{{- end -}}
{{- end -}}

{{- define "lab.config.gke" -}}
{{- $_ := set .data "enable-endpoint-routes" "true" -}}
{{- if semverCompare "<1.15" .root.Chart.Version -}}
{{- $_ := set .data "enable-local-node-route" "false" -}}
{{- else -}}
{{- $_ := set .data "enable-health-check-loadbalancer-ip" "true" -}}
{{- end -}}
{{- end -}}

{{- /* Clouds that route pods' addresses themselves; ENI mode counts among them from 1.19. */ -}}
{{- define "lab.routesNatively" -}}
{{- $eni := and (semverCompare ">=1.19" .Chart.Version) .Values.eni.enabled -}}
{{- if or .Values.gke.enabled $eni -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{- /* fact: kube_proxy_replacement. Up to 1.13 a word, in 1.14 and 1.15 either, from 1.16 a boolean (or its text). */ -}}
{{- define "lab.kubeProxyReplacement" -}}
{{- if semverCompare "<1.14" .Chart.Version -}}
{{- $since := default .Chart.Version .Values.upgradeCompatibility -}}
{{- $settled := ternary ">=1.10" ">=1.12" (semverCompare "<1.12" .Chart.Version) -}}
{{- coalesce .Values.kubeProxyReplacement (ternary "disabled" "probe" (semverCompare $settled $since)) -}}
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
{{- end -}}
{{- if semverCompare "<1.17" .root.Chart.Version -}}
{{- $_ := set .data "enable-external-ips" (toString $values.externalIPs.enabled) -}}
{{- end -}}
{{- if semverCompare "<1.19" .root.Chart.Version -}}
{{- $_ := set .data "enable-node-port" (toString $values.nodePort.enabled) -}}
{{- end -}}
{{- end -}}

{{- /* fact: socket_lb. 1.12 still passes on the protocols, but none else of the former hostServices. */ -}}
{{- define "lab.config.hostServices" -}}
{{- $services := .root.Values.hostServices -}}
{{- if and $services (semverCompare "<1.13" .root.Chart.Version) -}}
{{- if ne (include "lab.word" $services.protocols) "tcp,udp" -}}
{{- $_ := set .data "host-reachable-services-protos" (include "lab.word" $services.protocols) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* fact: bpf_masquerade. From 1.18 null stands for true, in ENI mode for false; before, nobody fills it in. */ -}}
{{- define "lab.config.masquerade" -}}
{{- $values := .root.Values -}}
{{- $since := default .root.Chart.Version $values.upgradeCompatibility -}}
{{- $null := "" -}}
{{- if semverCompare ">=1.18" .root.Chart.Version -}}
{{- $null = "true" -}}
{{- if and $values.eni.enabled (semverCompare ">=1.18" $since) -}}{{- $null = "false" -}}{{- end -}}
{{- end -}}
{{- $ipv4 := $values.enableIPv4Masquerade -}}
{{- $_ := set .data "enable-ipv4-masquerade" (ternary $null (toString $ipv4) (kindIs "invalid" $ipv4)) -}}
{{- if semverCompare ">=1.15" .root.Chart.Version -}}
{{- $_ := set .data "enable-masquerade-to-route-source" (toString $values.enableMasqueradeRouteSource) -}}
{{- end -}}
{{- if include "lab.named" (dict "root" .root "map" $values.bpf "key" "masquerade") -}}
{{- $_ := set .data "enable-bpf-masquerade" (include "lab.word" $values.bpf.masquerade) -}}
{{- else if semverCompare ">=1.8 <1.10" $since -}}
{{- $_ := set .data "enable-bpf-masquerade" "true" -}}
{{- end -}}
{{- end -}}

{{- /* "true" where a value is given: 1.11 and 1.12 take null for given, and render it as empty text. */ -}}
{{- define "lab.named" -}}
{{- $null := kindIs "invalid" (get .map .key) -}}
{{- if and (hasKey .map .key) (or (not $null) (semverCompare "<1.13" .root.Chart.Version)) -}}true{{- end -}}
{{- end -}}

{{- define "lab.word" -}}
{{- if not (kindIs "invalid" .) -}}{{- toString . -}}{{- end -}}
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

{{- /* fact: host_routing. bpf.hostRouting, read in 1.11 and 1.12, means its opposite. */ -}}
{{- define "lab.config.hostRouting" -}}
{{- $bpf := .root.Values.bpf -}}
{{- $version := .root.Chart.Version -}}
{{- $known := list "hostLegacyRouting" -}}
{{- if semverCompare "<1.13" $version -}}
{{- $known = ternary (list "hostRouting") (list "hostRouting" "hostLegacyRouting") (semverCompare "<1.12" $version) -}}
{{- else if eq (include "lab.chained" .root) "true" -}}
{{- $_ := set .data "enable-host-legacy-routing" "true" -}}
{{- end -}}
{{- range $key := $known -}}
{{- if include "lab.named" (dict "root" $.root "map" $bpf "key" $key) -}}
{{- $_ := set $.data "enable-host-legacy-routing" (get $bpf $key | include "lab.word") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
fact: bandwidth_manager, bbr. 1.11 renders the value as it stands, 1.12 takes a boolean or a map. From 1.13 a bare boolean
has no field "enabled": Helm stops there, as in the real chart.
*/ -}}
{{- define "lab.config.bandwidthManager" -}}
{{- $manager := .root.Values.bandwidthManager -}}
{{- $boolean := and (semverCompare "<1.13" .root.Chart.Version) (kindIs "bool" $manager) -}}
{{- if semverCompare "<1.12" .root.Chart.Version -}}
{{- $_ := set .data "enable-bandwidth-manager" (include "lab.word" $manager) -}}
{{- else if $boolean -}}
{{- if $manager -}}
{{- $_ := set .data "enable-bandwidth-manager" "true" -}}
{{- end -}}
{{- else if and (not (kindIs "invalid" $manager)) .root.Values.bandwidthManager.enabled -}}
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
{{- define "lab.config.ipam" -}}
{{- $mode := include "lab.ipam" .root -}}
{{- $_ := set .data "ipam" $mode -}}
{{- if eq $mode "cluster-pool" -}}
{{- range $family := list "4" "6" -}}
{{- if (get $.root.Values (print "ipv" $family)).enabled -}}
{{- include "lab.config.pool" (dict "root" $.root "data" $.data "family" $family) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* ENI mode brings its own addresses; from 1.19 it does without ipam.mode being told. */ -}}
{{- define "lab.ipam" -}}
{{- if and .Values.eni.enabled (semverCompare ">=1.19" .Chart.Version) -}}eni{{- else -}}{{- .Values.ipam.mode -}}{{- end -}}
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
{{- if and $known .Values.nativeRoutingCIDRFromClusterPool (include "lab.ipam" . | eq "cluster-pool") -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{- /* facts: lb_algorithm_annotation, socket_lb. From 1.20 the Gateway API switches both on, whatever their own values say. */ -}}
{{- define "lab.config.gateway" -}}
{{- if and (semverCompare ">=1.20" .root.Chart.Version) .root.Values.gatewayAPI.enabled -}}
{{- $_ := set .data "bpf-lb-algorithm-annotation" "true" -}}
{{- $_ := set .data "bpf-lb-sock-hostns-only" "true" -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.families" -}}
{{- $ipv4 := .root.Values.ipv4.enabled -}}
{{- $_ := set .data "operator-api-serve-addr" (ternary "127.0.0.1:9234" "[::1]:9234" $ipv4) -}}
{{- if and .root.Values.hubble.enabled (not $ipv4) (semverCompare ">=1.17" .root.Chart.Version) -}}
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
{{- end -}}
{{- end -}}

{{- /* 1.11 and 1.13 do not know the key; 1.12 renders it even if chained. */ -}}
{{- define "lab.config.dnsProxy" -}}
{{- $chained := eq (include "lab.chained" .root) "true" -}}
{{- if semverCompare (ternary ">=1.12 <1.13" ">=1.12 <1.13 || >=1.14" $chained) .root.Chart.Version -}}
{{- $since := default .root.Chart.Version .root.Values.upgradeCompatibility -}}
{{- $_ := set .data "dnsproxy-enable-transparent-mode" (ternary "true" "false" (semverCompare ">=1.12" $since)) -}}
{{- end -}}
{{- end -}}
