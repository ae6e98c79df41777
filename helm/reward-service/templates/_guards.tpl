{{/* Values that would install but not work are rejected here, with a sentence that says how to fix them. */}}
{{- define "rs.guards" -}}
{{- $most := include "rs.mostReplicas" . | int }}
{{- $state := include "rs.hasState" . }}
{{- $index := include "rs.hasIndexUrl" . }}
{{- if not (or .Values.keys.existingSecret .Values.keys.records) }}
{{- fail "No caller would have a valid key: set keys.existingSecret or keys.records; `reward-service key trainer --scope score` creates a key." }}
{{- end }}
{{- if and .Values.keys.existingSecret .Values.keys.records }}
{{- fail "keys.existingSecret and keys.records cannot both be set." }}
{{- end }}
{{- if and (or (gt $most 1) .Values.autoscaling.enabled) (not $state) }}
{{- fail (printf "%d replicas would each keep their own groups, so rollouts of one group could never meet: set redis.existingSecret, redis.stateUrl or redis.bundled.enabled, or run one replica." $most) }}
{{- end }}
{{- if .Values.autoscaling.enabled }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas is greater than autoscaling.maxReplicas." }}
{{- end }}
{{- if not (or .Values.autoscaling.cpuPercent .Values.autoscaling.inFlightRequests) }}
{{- fail "autoscaling.enabled needs a target: set cpuPercent or inFlightRequests." }}
{{- end }}
{{- end }}
{{- if and .Values.redis.bundled.enabled (or .Values.redis.existingSecret .Values.redis.stateUrl .Values.redis.indexUrl) }}
{{- fail "redis.bundled.enabled and an external Redis cannot be used together." }}
{{- end }}
{{- if and .Values.redis.existingSecret (or .Values.redis.stateUrl .Values.redis.indexUrl) }}
{{- fail "redis.existingSecret and URLs in the values cannot both be set." }}
{{- end }}
{{- if and .Values.index.existingClaim $index }}
{{- fail "The index is either in a volume (index.existingClaim) or in a Redis: with redis.existingSecret, set redis.indexKey to \"\"; redis.bundled.enabled always includes an index." }}
{{- end }}
{{- if and .Values.indexLoad.datasets (not $index) }}
{{- fail "indexLoad.datasets needs an index in Redis to load into: set redis.indexUrl, an indexKey of redis.existingSecret, or redis.bundled.enabled." }}
{{- end }}
{{- range .Values.indexLoad.datasets }}
{{- if not (or .sample (and .path .volume)) }}
{{- fail (printf "The data set %s has no input: give path and volume, or sample: true." .name) }}
{{- end }}
{{- end }}
{{- if and .Values.ledger.existingClaim (gt $most 1) }}
{{- fail "A process locks its ledger, so ledger.existingClaim works with one replica only; with several, leave it empty so that each pod keeps its own file." }}
{{- end }}
{{- if eq .Values.image.tag "latest" }}
{{- fail "image.tag latest would let replicas run different builds, which refuse each other's groups: name a version." }}
{{- end }}
{{- $drain := addf .Values.config.drain_delay_s .Values.config.drain_timeout_s | ceil | int }}
{{- if lt (include "rs.graceSeconds" . | int) $drain }}
{{- fail (printf "terminationGracePeriodSeconds %s is less than drain_delay_s + drain_timeout_s = %d: calls in flight would be cut off." (include "rs.graceSeconds" .) $drain) }}
{{- end }}
{{- $room := include "rs.room" . | int64 }}
{{- with .Values.config.max_inflight_bytes }}
{{- if and (gt $room 0) (gt (mul 6 (int64 .)) $room) }}
{{- fail (printf "config.max_inflight_bytes %d may need six times its value in memory, more than resources.limits.memory less 256 MiB allows: set it to at most %d, or raise the limit." (int64 .) (div $room 6)) }}
{{- end }}
{{- end }}
{{- if and (gt $room 0) (lt $room (mul 6 (int64 (.Values.config.max_body_bytes | default 67108864)))) }}
{{- fail (printf "A body of config.max_body_bytes may need six times its size in memory, but resources.limits.memory less 256 MiB is %d: lower max_body_bytes or raise the limit." $room) }}
{{- end }}
{{- if and .Values.worker.models (not .Values.worker.keySecret) }}
{{- fail "A worker listens on every address of its pod, so it needs a key: set worker.keySecret to a Secret with the entry `key`." }}
{{- end }}
{{- if and .Values.worker.models (not .Values.worker.volume) }}
{{- fail "worker.volume is empty: say which volume has the models; it is mounted at /models." }}
{{- end }}
{{- $backends := list }}
{{- range concat .Values.judges.backends .Values.worker.models }}
{{- if has .name $backends }}
{{- fail (printf "Two entries of judges.backends and worker.models are called %s." .name) }}
{{- end }}
{{- $backends = append $backends .name }}
{{- end }}
{{- range .Values.worker.models }}
{{- if not (hasPrefix "/models" .torch.folder) }}
{{- fail (printf "The model %s is in %s, but worker.volume is mounted at /models: give a folder in there." .name .torch.folder) }}
{{- end }}
{{- end }}
{{- end }}
