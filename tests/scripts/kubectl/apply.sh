# Client-side apply, diff and prune, and the change to server-side apply.

cat >"$WORK/app.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata:
  name: app
  labels: {stage: one}
data:
  keep: "1"
  drop: "2"
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  replicas: 1
  selector:
    matchLabels: {app: app}
  template:
    metadata:
      labels: {app: app}
    spec:
      containers:
      - name: main
        image: app:1
        env:
        - {name: A, value: a}
        - {name: B, value: b}
        ports:
        - containerPort: 80
      - name: side
        image: side:1
YAML
same $'configmap/app created\ndeployment.apps/app created' kubectl apply -f "$WORK/app.yaml"
same $'configmap/app unchanged\ndeployment.apps/app unchanged' kubectl apply -f "$WORK/app.yaml"
same '' kubectl diff -f "$WORK/app.yaml"

# A changed field, a removed field, a removed member of a keyed list, an added one.
sed -e '/drop:/d' -e 's/app:1$/app:2/' -e '/name: B/d' -e '/name: side/,/side:1/d' "$WORK/app.yaml" >"$WORK/app2.yaml"
fails '^-  drop: "2"$' kubectl diff -f "$WORK/app2.yaml"
fails '^\+        image: app:2$' kubectl diff -f "$WORK/app2.yaml"
like '^deployment.apps/app configured \(server dry run\)$' kubectl apply --dry-run=server -f "$WORK/app2.yaml"
same 'app:1 side:1' kubectl get deployment app -o 'jsonpath={.spec.template.spec.containers[*].image}'
same $'configmap/app configured\ndeployment.apps/app configured' kubectl apply -f "$WORK/app2.yaml"
same '{"keep":"1"}' kubectl get configmap app -o 'jsonpath={.data}'
same 'app:2' kubectl get deployment app -o 'jsonpath={.spec.template.spec.containers[*].image}'
same 'A' kubectl get deployment app -o 'jsonpath={.spec.template.spec.containers[0].env[*].name}'
same '2' kubectl get deployment app -o 'jsonpath={.metadata.generation}'

# What others wrote stays.
same 'deployment.apps/app scaled' kubectl scale deployment app --replicas=7
same 'configmap/app labeled' kubectl label configmap app other=true
sed -e '/replicas:/d' "$WORK/app2.yaml" >"$WORK/app3.yaml"
like '^deployment.apps/app configured$' kubectl apply -f "$WORK/app3.yaml"
same '{"other":"true","stage":"one"}' kubectl get configmap app -o 'jsonpath={.metadata.labels}'

like '"keep": "1"' kubectl apply view-last-applied configmap app -o json
same 'configmap/settings configured' bash -c 'kubectl get configmap settings -o yaml | sed s/blue/teal/ | kubectl apply -f - 2>/dev/null'
same teal kubectl get configmap settings -o 'jsonpath={.data.color}'

# Apply of a whole set removes what is no longer in it.
mkdir "$WORK/set"
for name in one two; do
    kubectl create configmap "set-$name" --dry-run=client -o yaml >"$WORK/set/$name.yaml"
    echo '  labels: {set: yes1}' >>"$WORK/set/$name.yaml"
done
same $'configmap/set-one created\nconfigmap/set-two created' kubectl apply -f "$WORK/set" -l set=yes1 --prune --prune-allowlist=core/v1/ConfigMap
rm "$WORK/set/two.yaml"
like '^configmap/set-two pruned$' kubectl apply -f "$WORK/set" -l set=yes1 --prune --prune-allowlist=core/v1/ConfigMap
same 'configmap/set-one' kubectl get configmaps -l set=yes1 -o name

# Kustomize and replace.
cat >"$WORK/set/kustomization.yaml" <<'YAML'
namePrefix: made-
resources: [one.yaml]
YAML
same 'configmap/made-set-one created' kubectl apply -k "$WORK/set"
like '^configmap/made-set-one replaced$' bash -c 'kubectl get configmap made-set-one -o yaml | kubectl replace -f -'
like '^configmap/made-set-one replaced$' bash -c 'kubectl create configmap made-set-one --from-literal=new=1 --dry-run=client -o yaml | kubectl replace --force -f -'
same '{"new":"1"}' kubectl get configmap made-set-one -o 'jsonpath={.data}'

same $'configmap/app serverside-applied\ndeployment.apps/app serverside-applied' kubectl apply --server-side -f "$WORK/app3.yaml"
