# Commands that change objects: edit, label, annotate, patch, scale, set, expose, rollout, nodes.

cat >"$WORK/editor" <<'SH'
#!/bin/sh
sed -i "$EDIT" "$1"
SH
chmod +x "$WORK/editor"
export KUBE_EDITOR=$WORK/editor
kubectl create configmap draft --from-literal=color=red >"$WORK/quiet"
same 'configmap/draft edited' env EDIT=s/red/green/ kubectl edit configmap draft
same green kubectl get configmap draft -o 'jsonpath={.data.color}'
same 'Edit cancelled, no changes made.' env EDIT=s/nothing// kubectl edit configmap draft
fails 'configmaps "draft" is invalid|unknown field "datum"' env EDIT=s/^data:/datum:/ kubectl edit configmap draft

same 'configmap/draft labeled' kubectl label configmap draft tier=one owner=me
fails "'tier' already has a value" kubectl label configmap draft tier=two
same 'configmap/draft labeled' kubectl label --overwrite configmap draft tier=two
same 'configmap/draft unlabeled' kubectl label configmap draft owner-
same '{"tier":"two"}' kubectl get configmap draft -o 'jsonpath={.metadata.labels}'
fails 'a valid label must be' kubectl label configmap draft 'tier=not valid'
same 'configmap/draft annotated' kubectl annotate configmap draft 'note=some words'
same 'some words' kubectl get configmap draft -o 'jsonpath={.metadata.annotations.note}'
like '^pod/lone labeled$' kubectl label pods --all sweep=yes
same 'configmap/draft annotated' kubectl annotate --resource-version="$(kubectl get configmap draft -o 'jsonpath={.metadata.resourceVersion}')" configmap draft more=1
fails 'Operation cannot be fulfilled on configmaps "draft": the object has been modified' kubectl annotate --overwrite --resource-version=1 configmap draft more=2

same 'configmap/draft patched' kubectl patch configmap draft --type=merge -p '{"data":{"color":null,"shade":"dark"}}'
same '{"shade":"dark"}' kubectl get configmap draft -o 'jsonpath={.data}'
same 'configmap/draft patched (no change)' kubectl patch configmap draft --type=merge -p '{"data":{"shade":"dark"}}'
same 'configmap/draft patched' kubectl patch configmap draft --type=json -p '[{"op":"test","path":"/data/shade","value":"dark"},{"op":"add","path":"/metadata/annotations/example.com~1b","value":"x"}]'
fails 'testing path.*/data/shade|test failed|is invalid' kubectl patch configmap draft --type=json -p '[{"op":"test","path":"/data/shade","value":"light"}]'
same 'deployment.apps/web patched' kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"X","value":"1"}]}]}}}}'
same 'nginx:1.27 X=1' kubectl get deployment web -o 'jsonpath={.spec.template.spec.containers[*].image} {.spec.template.spec.containers[0].env[0].name}={.spec.template.spec.containers[0].env[0].value}'
same 'deployment.apps/web patched' kubectl patch deployment web --subresource=status --type=merge -p '{"status":{"readyReplicas":1,"replicas":2,"observedGeneration":2,"updatedReplicas":2,"availableReplicas":1}}'
like '^web +1/2 +2 +1 ' kubectl get deployment web
same 'scale.autoscaling/web patched' kubectl patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":3}}'

same 'deployment.apps/web scaled' kubectl scale deployment/web --replicas=4
same 4 kubectl get deployment web -o 'jsonpath={.spec.replicas}'
fails 'Expected replicas to be 9, was 4' kubectl scale deployment/web --current-replicas=9 --replicas=5
same 'Scale autoscaling/v1 4' kubectl get deployment web --subresource=scale -o 'jsonpath={.kind} {.apiVersion} {.spec.replicas}'
same 'deployment.apps/web image updated' kubectl set image deployment/web nginx=nginx:1.28
same 'deployment.apps/web env updated' kubectl set env deployment/web MODE=fast
same 'deployment.apps/web resource requirements updated' kubectl set resources deployment/web --limits=cpu=200m,memory=512Mi
same 'deployment.apps/web serviceaccount updated' kubectl set serviceaccount deployment web robot
same 'nginx:1.28 robot 200m' kubectl get deployment web -o 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.serviceAccountName} {.spec.template.spec.containers[0].resources.limits.cpu}'
same 'service/outside exposed' kubectl expose deployment web --port=80 --target-port=8080 --name=outside
same 'app=web' kubectl get service outside -o 'go-template={{range $k, $v := .spec.selector}}{{$k}}={{$v}}{{end}}'
same 'service/outside selector updated' kubectl set selector service outside app=other
same 'horizontalpodautoscaler.autoscaling/web autoscaled' kubectl autoscale deployment web --min=2 --max=5 --cpu=80%
like '^web +Deployment/web +cpu: <unknown>/80% +2 +5 +0 ' kubectl get hpa web
same 'deployment.apps/web restarted' kubectl rollout restart deployment/web
same 'deployment.apps/web paused' kubectl rollout pause deployment/web
same 'deployment.apps/web resumed' kubectl rollout resume deployment/web
like 'Waiting for deployment spec update to be observed' bash -c 'kubectl rollout status deployment/web --timeout=1s || true'
same 'cronjob.batch/often patched' kubectl patch cronjob often -p '{"spec":{"suspend":true}}'

same 'node/anvil cordoned' kubectl cordon anvil
like '^anvil .*SchedulingDisabled' kubectl get nodes
same 'node/anvil already cordoned' kubectl cordon anvil
same 'node/anvil uncordoned' kubectl uncordon anvil
same 'node/anvil tainted' kubectl taint nodes anvil gpu=yes:NoSchedule
same 'NoSchedule' kubectl get node anvil -o 'jsonpath={.spec.taints[0].effect}'
same 'node/anvil untainted' kubectl taint nodes anvil gpu-
