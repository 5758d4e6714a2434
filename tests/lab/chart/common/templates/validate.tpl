{{- include "lab.validate" . -}}
