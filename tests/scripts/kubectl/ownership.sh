# Server-side apply: who owns a field, conflicts, force, what is no longer applied, and the way from client-side apply.

cat >"$WORK/owned.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata:
  name: owned
data:
  keep: "1"
  drop: "2"
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: owned
spec:
  replicas: 1
  selector:
    matchLabels: {app: owned}
  template:
    metadata:
      labels: {app: owned}
    spec:
      containers:
      - name: main
        image: app:1
        ports:
        - {containerPort: 80}
        - {containerPort: 80, protocol: UDP}
YAML
applied=$'configmap/owned serverside-applied\ndeployment.apps/owned serverside-applied'
same "$applied" kubectl apply --server-side -f "$WORK/owned.yaml"
version=$(kubectl get deployment owned -o 'jsonpath={.metadata.resourceVersion}')
same "$applied" kubectl apply --server-side -f "$WORK/owned.yaml"
same "$version" kubectl get deployment owned -o 'jsonpath={.metadata.resourceVersion}'
same 'kubectl Apply' kubectl get configmap owned -o 'jsonpath={.metadata.managedFields[*].manager} {.metadata.managedFields[*].operation}'
like '"f:drop":\{\}' kubectl get configmap owned --show-managed-fields -o 'jsonpath={.metadata.managedFields[0].fieldsV1}'
like 'k:\{\\"containerPort\\":80,\\"protocol\\":\\"UDP\\"\}' \
    kubectl get deployment owned --show-managed-fields -o 'jsonpath={.metadata.managedFields[0].fieldsV1}'

# Another manager: what it does not share is a conflict, force takes it, and what nobody applies any more goes.
sed -e 's/keep: "1"/keep: "9"/' -e '/drop:/d' -e 's/replicas: 1/replicas: 4/' "$WORK/owned.yaml" >"$WORK/other.yaml"
fails 'conflict with "kubectl": .data.keep' kubectl apply --server-side --field-manager=other -f "$WORK/other.yaml"
fails 'conflict with "kubectl": .spec.replicas' kubectl apply --server-side --field-manager=other -f "$WORK/other.yaml"
same "$applied" kubectl apply --server-side --field-manager=other --force-conflicts -f "$WORK/other.yaml"
same '{"drop":"2","keep":"9"}' kubectl get configmap owned -o 'jsonpath={.data}'
fails 'conflict with "other": .data.keep' kubectl apply --server-side -f "$WORK/owned.yaml"
sed -e '/keep:/d' -e '/drop:/d' -e '/replicas:/d' -e 's/^data:/data: {}/' "$WORK/owned.yaml" >"$WORK/less.yaml"
same "$applied" kubectl apply --server-side -f "$WORK/less.yaml"
same '{"keep":"9"} 4' bash -c 'echo "$(kubectl get configmap owned -o "jsonpath={.data}") $(kubectl get deployment owned -o "jsonpath={.spec.replicas}")"'
same '' kubectl diff --server-side -f "$WORK/less.yaml"
fails '^\+  keep: "1"$' kubectl diff --server-side --force-conflicts -f "$WORK/owned.yaml"

# A scale is an update of its own manager, which keeps the field from an apply.
same 'deployment.apps/owned scaled' kubectl scale deployment owned --replicas=6
fails 'conflict with "kubectl" with subresource "scale".*: .spec.replicas' \
    kubectl apply --server-side --field-manager=other -f "$WORK/other.yaml"

# What was applied by the client goes over to the server without a conflict.
same 'configmap/moved created' kubectl apply -f - <<<'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"moved"},"data":{"a":"1","b":"2"}}'
same 'configmap/moved serverside-applied' \
    kubectl apply --server-side -f - <<<'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"moved"},"data":{"a":"2"}}'
same '{"a":"2"}' kubectl get configmap moved -o 'jsonpath={.data}'
fails '\.no: field not declared in schema' \
    kubectl apply --server-side -f - <<<'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"moved"},"no":1}'
same $'configmap "owned" deleted\ndeployment.apps "owned" deleted' bash -c "kubectl delete -f '$WORK/owned.yaml' | sed 's/ from [a-z]* namespace//'"
