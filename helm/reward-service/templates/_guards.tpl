{{/* What would run and be wrong is refused here, with a sentence that says what to do. */}}
{{- define "rs.guards" -}}
{{- $most := include "rs.mostReplicas" . | int }}
{{- $state := include "rs.hasState" . }}
{{- $index := include "rs.hasIndexUrl" . }}
{{- if not (or .Values.keys.existingSecret .Values.keys.records) }}
{{- fail "Nobody could call this service: set keys.existingSecret or keys.records; `reward-service key trainer --scope score` makes a key." }}
{{- end }}
{{- if and .Values.keys.existingSecret .Values.keys.records }}
{{- fail "keys.existingSecret and keys.records exclude each other." }}
{{- end }}
{{- if and (or (gt $most 1) .Values.autoscaling.enabled) (not $state) }}
{{- fail (printf "%d replicas would each keep their own groups, and rollouts of one group would wait for each other in vain: set redis.existingSecret, redis.stateUrl or redis.bundled.enabled, or run one replica." $most) }}
{{- end }}
{{- if .Values.autoscaling.enabled }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas." }}
{{- end }}
{{- if not (or .Values.autoscaling.cpuPercent .Values.autoscaling.inFlightRequests) }}
{{- fail "autoscaling.enabled has nothing to go by: set cpuPercent or inFlightRequests." }}
{{- end }}
{{- end }}
{{- if and .Values.redis.bundled.enabled (or .Values.redis.existingSecret .Values.redis.stateUrl .Values.redis.indexUrl) }}
{{- fail "redis.bundled.enabled and an external Redis exclude each other." }}
{{- end }}
{{- if and .Values.redis.existingSecret (or .Values.redis.stateUrl .Values.redis.indexUrl) }}
{{- fail "redis.existingSecret and URLs in the values exclude each other." }}
{{- end }}
{{- if and .Values.index.existingClaim $index }}
{{- fail "The index stands either in a volume (index.existingClaim) or in a Redis: with redis.existingSecret set redis.indexKey to \"\"; redis.bundled.enabled brings its own." }}
{{- end }}
{{- if and .Values.indexLoad.datasets (not $index) }}
{{- fail "indexLoad.datasets needs an index in Redis to load into: set redis.indexUrl, an indexKey of redis.existingSecret, or redis.bundled.enabled." }}
{{- end }}
{{- range .Values.indexLoad.datasets }}
{{- if not (or .sample (and .path .volume)) }}
{{- fail (printf "The data set %s has nothing to read: give path and volume, or sample: true." .name) }}
{{- end }}
{{- end }}
{{- if and .Values.ledger.existingClaim (gt $most 1) }}
{{- fail "A process locks its ledger, so ledger.existingClaim is for one replica; with several leave it empty, and each pod keeps its own file." }}
{{- end }}
{{- if eq .Values.image.tag "latest" }}
{{- fail "image.tag latest would let replicas run different builds, which refuse each other's groups: name a version." }}
{{- end }}
{{- $drain := addf .Values.config.drain_delay_s .Values.config.drain_timeout_s | ceil | int }}
{{- if lt (include "rs.graceSeconds" . | int) $drain }}
{{- fail (printf "terminationGracePeriodSeconds %s is less than drain_delay_s + drain_timeout_s = %d: calls in flight would be cut off." (include "rs.graceSeconds" .) $drain) }}
{{- end }}
{{- $memory := include "rs.bytes" (dig "limits" "memory" "" .Values.resources) | int64 }}
{{- with .Values.config.max_inflight_bytes }}
{{- if and (gt $memory 0) (gt (mul 6 (int64 .)) $memory) }}
{{- fail (printf "config.max_inflight_bytes %d may need six times as much memory as resources.limits.memory allows: at most %d, or raise the limit." (int64 .) (div $memory 6)) }}
{{- end }}
{{- end }}
{{- if and (gt $memory 0) (lt $memory (mul 6 (int64 (.Values.config.max_body_bytes | default 67108864)))) }}
{{- fail (printf "A body of config.max_body_bytes may need six times its size, and resources.limits.memory is %d: lower the one or raise the other." $memory) }}
{{- end }}
{{- if and .Values.gpu.enabled (ne .Values.image.variant "cuda") }}
{{- fail "gpu.enabled needs the image with CUDA: set image.variant to cuda." }}
{{- end }}
{{- end }}
