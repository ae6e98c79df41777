{{- define "rs.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "rs.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "rs.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "rs.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What never changes of a release: immutable selectors are made of it. */}}
{{- define "rs.selector" -}}
app.kubernetes.io/name: {{ include "rs.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rs.labels" -}}
{{ include "rs.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "rs.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "rs.workerImage" -}}
{{- $tag := printf "%s-%s" (.Values.image.tag | default .Chart.AppVersion) (ternary "cuda" "cpu" .Values.worker.gpu.enabled) -}}
{{- printf "%s:%s" .Values.image.repository $tag }}{{ with .Values.worker.imageDigest }}@{{ . }}{{ end }}
{{- end }}

{{- define "rs.workerName" -}}
{{- printf "%s-worker-%s" (include "rs.fullname" .root) .model }}
{{- end }}

{{/* The backends file of the workers: the models as given, each with the key that callers need. */}}
{{- define "rs.workersFile" -}}
{{- $entries := list }}
{{- range .Values.worker.models }}
{{- $entries = append $entries (merge (dict "key_file" "/etc/reward-service/worker-key/key") .) }}
{{- end }}
{{- toYaml $entries }}
{{- end }}

{{/* The backends file of the service: judges, and the workers as servers; empty if there are none. */}}
{{- define "rs.backendsFile" -}}
{{- $entries := .Values.judges.backends }}
{{- range .Values.worker.models }}
{{- $url := printf "http://%s:8100" (include "rs.workerName" (dict "root" $ "model" .name)) }}
{{- $server := dict "url" $url "flavour" "tei" "key_file" "/etc/reward-service/worker-key/key" }}
{{- $entries = append $entries (merge $server (omit . "torch")) }}
{{- end }}
{{- with $entries }}{{ toYaml . }}{{ end }}
{{- end }}

{{- define "rs.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "rs.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "rs.keysSecret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "rs.fullname" .)) }}
{{- end }}

{{- define "rs.redisSecret" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "rs.fullname" .)) }}
{{- end }}

{{/* Not empty where runs and groups are in a Redis. */}}
{{- define "rs.hasState" -}}
{{- if or .Values.redis.bundled.enabled .Values.redis.stateUrl (and .Values.redis.existingSecret .Values.redis.stateKey) }}yes{{ end }}
{{- end }}

{{/* Not empty where the index is in a Redis. */}}
{{- define "rs.hasIndexUrl" -}}
{{- if or .Values.redis.bundled.enabled .Values.redis.indexUrl (and .Values.redis.existingSecret .Values.redis.indexKey) }}yes{{ end }}
{{- end }}

{{- define "rs.mostReplicas" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled | int }}
{{- end }}

{{- define "rs.graceSeconds" -}}
{{- $drain := addf .Values.config.drain_delay_s .Values.config.drain_timeout_s | ceil | int -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}{{ add $drain 10 }}{{ else }}{{ .Values.terminationGracePeriodSeconds | int }}{{ end }}
{{- end }}

{{/* Bytes of a quantity such as 512Mi or 2Gi; 0 for other units. */}}
{{- define "rs.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $given := toString . -}}
{{- $bytes := 0 -}}
{{- range $unit, $size := $units }}
{{- if hasSuffix $unit $given }}{{ $bytes = mulf (trimSuffix $unit $given | float64) $size | int64 }}{{ end }}
{{- end }}
{{- $bytes }}
{{- end }}

{{/* Bytes of the memory limit that calls may use: all but 256 MiB for the process and the questions it keeps; 0 without a limit. */}}
{{- define "rs.room" -}}
{{- $memory := include "rs.bytes" (dig "limits" "memory" "" .Values.resources) | int64 }}
{{- if gt $memory 0 }}{{ max 1 (sub $memory 268435456) }}{{ else }}0{{ end }}
{{- end }}

{{/* A value as text: numbers without the exponent that large ones get on their way through JSON. */}}
{{- define "rs.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "rs.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user | default 10001 }}
runAsGroup: {{ .user | default 10001 }}
fsGroup: {{ .user | default 10001 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rs.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The environment variable NAME with the URL in KEY; the password of the bundled Redis is filled in by Kubernetes. */}}
{{- define "rs.redisUrl" -}}
{{- $redis := .root.Values.redis -}}
- name: {{ .name }}
{{- if $redis.bundled.enabled }}
  value: redis://{{ if $redis.bundled.existingSecret }}:$(REDIS_PASSWORD)@{{ end }}{{ include "rs.fullname" .root }}-redis:6379/{{ .db }}
{{- else }}
  valueFrom: {secretKeyRef: {name: {{ include "rs.redisSecret" .root }}, key: {{ .key }}}}
{{- end }}
{{- end }}

{{- define "rs.redisPassword" -}}
{{- with .Values.redis.bundled }}
{{- if and .enabled .existingSecret }}
- name: REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: redis-password}}
{{- end }}
{{- end }}
{{- end }}
