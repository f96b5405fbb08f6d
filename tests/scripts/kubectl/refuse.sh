# What the server refuses, in the words that people find in their searches.

cat >"$WORK/typo.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: typo}
datum: {a: b}
YAML
fails 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "datum"$' kubectl create -f "$WORK/typo.yaml"
same $'Warning: unknown field "datum"\nconfigmap/typo created' kubectl create --validate=warn -f "$WORK/typo.yaml"
fails '^Error from server \(AlreadyExists\): error when creating .*: configmaps "typo" already exists$' kubectl create --validate=ignore -f "$WORK/typo.yaml"
fails '^error: failed to create configmap: configmaps "typo" already exists$' kubectl create configmap typo
fails 'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters' kubectl create configmap Bad_Name
fails 'data\[no/slash\]: Invalid value: "no/slash": a valid config key must consist of' kubectl patch configmap typo --type=merge -p '{"data":{"no/slash":"1"}}'
fails 'metadata.labels: Invalid value: "a b": a valid label must be' bash -c 'kubectl create configmap w --dry-run=client -o json | jq ".metadata.labels.l = \"a b\"" | kubectl create -f -'

fails 'cannot unmarshal string into Go struct field .*replicas of type int32|expected numeric' kubectl patch deployment web --type=merge -p '{"spec":{"replicas":"many"}}'
fails 'no matches for kind "Widget" in version "example.com/v1"' bash -c 'echo "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}" | kubectl create -f -'
fails "^error: the server doesn't have a resource type \"widgets\"$" kubectl get widgets
fails 'namespaces "nowhere" not found' kubectl create configmap lost --namespace=nowhere
fails '^error: unable to parse requirement|unable to parse requirement' kubectl get configmaps -l 'a in'
fails 'the namespace of the object does not match|does not match the namespace' bash -c 'echo "{apiVersion: v1, kind: ConfigMap, metadata: {name: w, namespace: default}}" | kubectl create --namespace=shop -f -'
fails 'Conflict|the object has been modified' bash -c 'kubectl get deployment web -o json | jq ".metadata.resourceVersion = \"1\"" | kubectl replace -f -'
fails 'data: Forbidden: field is immutable when `immutable` is set' bash -c 'kubectl patch configmap typo --type=merge -p "{\"immutable\":true}" >/dev/null; kubectl patch configmap typo --type=merge -p "{\"data\":{\"a\":\"b\"}}"'

# The node's agent would have to be asked, and the node has no address.
kubectl run shell --image=busybox:1 --overrides='{"spec":{"nodeName":"anvil"}}' >"$WORK/quiet"
fails 'no preferred addresses found; known addresses' kubectl logs shell
fails 'no preferred addresses found; known addresses' kubectl exec shell -- true
fails 'no preferred addresses found; known addresses' kubectl cp shell:/etc/hosts "$WORK/hosts"
fails 'no preferred addresses found; known addresses' kubectl attach shell
