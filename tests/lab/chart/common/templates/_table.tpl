{{- /* Reads files/cilium-config.yaml, where the fields of a row are explained. */ -}}
{{- define "lab.config.table" -}}
{{- $root := .root -}}
{{- $data := .data -}}
{{- range $fact := $root.Files.Get "files/cilium-config.yaml" | fromYamlArray -}}
{{- range $row := $fact.keys -}}
{{- if semverCompare (default "*" $row.charts) $root.Chart.Version -}}
{{- include "lab.config.row" (dict "row" $row "values" $root.Values.AsMap "data" $data) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lab.config.row" -}}
{{- $found := dict -}}
{{- include "lab.find" (dict "node" .values "path" (splitList "." .row.value) "found" $found) -}}
{{- $when := default "always" .row.when -}}
{{- if not (has $when (list "always" "present" "set" "truthy")) -}}
{{- fail (printf "%s: when is %q" .row.key $when) -}}
{{- end -}}
{{- $present := and (eq $when "present") (hasKey $found "value") -}}
{{- $set := and (eq $when "set") (not (kindIs "invalid" $found.value)) -}}
{{- $truthy := and (eq $when "truthy") $found.value -}}
{{- if or (eq $when "always") $present $set $truthy -}}
{{- $_ := set .data .row.key (include "lab.text" (dict "value" $found.value "row" .row)) -}}
{{- else if hasKey .row "default" -}}
{{- $_ := set .data .row.key .row.default -}}
{{- end -}}
{{- end -}}

{{- /* Puts the value at path into found.value; leaves found empty when a part of the path is missing. */ -}}
{{- define "lab.find" -}}
{{- $key := first .path -}}
{{- if and (kindIs "map" .node) (hasKey .node $key) -}}
{{- $node := get .node $key -}}
{{- if eq (len .path) 1 -}}
{{- $_ := set .found "value" $node -}}
{{- else -}}
{{- include "lab.find" (dict "node" $node "path" (rest .path) "found" .found) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lab.text" -}}
{{- $as := default "text" .row.as -}}
{{- if hasKey .row "const" -}}{{- .row.const -}}
{{- else if eq $as "int" -}}{{- int .value -}}
{{- else if eq $as "list" -}}{{- join " " .value -}}
{{- else if eq $as "duration" -}}{{- include "lab.duration" .value -}}
{{- else if ne $as "text" -}}{{- fail (printf "%s: as is %q" .row.key $as) -}}
{{- else if not (kindIs "invalid" .value) -}}{{- toString .value -}}
{{- end -}}
{{- end -}}

{{- define "lab.duration" -}}
{{- if . -}}
{{- $_ := mustDateModify (toString .) now -}}
{{- . -}}
{{- else -}}0s
{{- end -}}
{{- end -}}
