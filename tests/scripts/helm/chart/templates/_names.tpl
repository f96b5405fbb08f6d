{{- define "shop.labels" -}}
app.kubernetes.io/name: shop
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "shop.pod" -}}
metadata:
  labels:
    app.kubernetes.io/name: shop
    app.kubernetes.io/instance: {{ .Release.Name }}
spec:
  serviceAccountName: {{ .Release.Name }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: shop
      image: {{ .Values.image }}
      args: ["--message={{ .Values.message }}"]
      ports:
        - {name: http, containerPort: 8080}
        - {name: dns, containerPort: 5353, protocol: UDP}
      env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: {{ .Release.Name }}, key: password}}}
        - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
      envFrom:
        - configMapRef: {name: {{ .Release.Name }}}
      resources:
        requests: {cpu: 100m, memory: 64Mi}
        limits: {memory: 128Mi}
      readinessProbe:
        httpGet: {path: /ready, port: http}
      volumeMounts:
        - {name: config, mountPath: /etc/shop}
  volumes:
    - name: config
      configMap: {name: {{ .Release.Name }}}
{{- end }}
