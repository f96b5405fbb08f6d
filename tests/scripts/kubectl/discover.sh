# What kubectl learns about the API: resources, versions, explanations, raw paths, conditions to wait for.

like '^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND$' kubectl api-resources
like '^configmaps +cm +v1 +true +ConfigMap$' kubectl api-resources
like '^deployments +deploy +apps/v1 +true +Deployment$' kubectl api-resources
like '^nodes +no +v1 +false +Node$' kubectl api-resources
like '^horizontalpodautoscalers +hpa +autoscaling/v2 +true +HorizontalPodAutoscaler$' kubectl api-resources
like '^endpointslices.discovery.k8s.io$' kubectl api-resources --verbs=list,watch -o name
like '^statefulsets +sts ' kubectl api-resources --api-group=apps
lacks '^pods' kubectl api-resources --namespaced=false
for version in v1 apps/v1 autoscaling/v1 autoscaling/v2 batch/v1 rbac.authorization.k8s.io/v1 storage.k8s.io/v1; do
    like "^$version\$" kubectl api-versions
done
like '^Server Version: v1\.36\.' kubectl version
like 'Kubernetes control plane.*https://127' kubectl cluster-info
like '"gitVersion": "v1\.36\.[0-9]+\+steersman' kubectl get --raw /version
same ok kubectl get --raw /healthz
same ok kubectl get --raw /livez
like '^\[\+\]ping ok$' kubectl get --raw '/readyz?verbose'
like '"kind":"APIVersions"' kubectl get --raw /api
like '"kind":"APIGroupList"' kubectl get --raw /apis
like '^    "/apis/apps/v1",$' kubectl get --raw /
like '^apiserver_request_total\{' kubectl get --raw /metrics
like '"x-kubernetes-group-version-kind"' kubectl get --raw /openapi/v3/apis/apps/v1
like '"swagger": ?"2.0"' kubectl get --raw /openapi/v2
fails '^Error from server \(NotFound\): the server could not find the requested resource$' kubectl get --raw /apis/nothing
like '"kind":"ConfigMapList"' kubectl get --raw '/api/v1/namespaces/shop/configmaps?limit=1'

like '^KIND: +ConfigMap$' kubectl explain configmap
like '^VERSION: +v1$' kubectl explain configmap
like '^  binaryData\s<map\[string\]string>$' kubectl explain configmap
like '^GROUP: +apps$' kubectl explain deployment.spec
like '^  replicas\s<integer>$' kubectl explain deployment.spec
like '^ +ConfigMap holds configuration data for pods to consume' kubectl explain configmap
like '^ +List of containers belonging to the pod' kubectl explain pod.spec.containers
like '^FIELD: containers <\[\]Container>$' kubectl explain pod.spec.containers
like '^ +containerPort\s<integer> -required-$' kubectl explain pod.spec --recursive
like '^  imagePullPolicy\s<string>$' kubectl explain pod.spec.containers
like '^VERSION: +v1$' kubectl explain hpa --api-version=autoscaling/v1
fails 'field "nothing" does not exist' kubectl explain pod.spec.nothing

same 'deployment.apps/web condition met' kubectl wait deployment/web --for='jsonpath={.spec.replicas}=4' --timeout=10s
kubectl patch node anvil --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Ready","status":"True","reason":"r","message":"m"}]}}' >"$WORK/quiet"
same 'node/anvil condition met' kubectl wait node/anvil --for=condition=Ready --timeout=10s
like '^anvil +Ready' kubectl get nodes
fails 'timed out waiting for the condition' kubectl wait deployment/web --for=condition=Available --timeout=1s
uid=$(kubectl get pod lone -o 'jsonpath={.metadata.uid}')
kubectl create -f - <<YAML >"$WORK/quiet"
{apiVersion: v1, kind: Event, metadata: {name: lone.1}, involvedObject: {kind: Pod, name: lone, namespace: shop, apiVersion: v1, uid: $uid}, reason: Tested, message: it was, type: Normal}
YAML
like '^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$' kubectl get events
like 'Normal +Tested +pod/lone +it was$' kubectl get events
like 'Normal +Tested +Pod/lone +it was' kubectl events --for pod/lone
like '^  Normal +Tested .*it was' kubectl describe pod lone
