{{- define "parcimetre.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "parcimetre.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{ .Values.publicUrl }}
{{- else if .Values.ingress.enabled -}}
https://{{ .Values.ingress.host }}
{{- end -}}
{{- end }}

{{- define "parcimetre.allowedHosts" -}}
{{- $service := printf "%s.%s" .Release.Name .Release.Namespace -}}
{{ concat (list .Release.Name $service (printf "%s.svc" $service)) .Values.allowedHosts | join ", " }}
{{- end }}
