# Objects made with the `create` commands and from files, and the ways to read them back.

same 'namespace/shop created' kubectl create namespace shop
like '^Context "steersman" modified' kubectl config set-context --current --namespace=shop
same 'configmap/settings created' kubectl create configmap settings --from-literal=color=blue --from-literal=size=9
same 'secret/password created' kubectl create secret generic password --from-literal=word=open
same 'secret/pull created' kubectl create secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p
same 'serviceaccount/robot created' kubectl create serviceaccount robot
same 'deployment.apps/web created' kubectl create deployment web --image=nginx:1.27 --replicas=2 --port=80
same 'service/web created' kubectl create service clusterip web --tcp=80:8080
same 'service/door created' kubectl create service nodeport door --tcp=80:8080
same 'job.batch/once created' kubectl create job once --image=busybox:1 -- true
same 'cronjob.batch/often created' kubectl create cronjob often --image=busybox:1 --schedule='*/5 * * * *' -- true
same 'job.batch/now created' kubectl create job now --from=cronjob/often
same 'ingress.networking.k8s.io/front created' kubectl create ingress front --rule='shop.example/*=web:80'
same 'role.rbac.authorization.k8s.io/reader created' kubectl create role reader --verb=get,list --resource=pods,deployments.apps
same 'rolebinding.rbac.authorization.k8s.io/readers created' kubectl create rolebinding readers --role=reader --serviceaccount=shop:robot
same 'clusterrole.rbac.authorization.k8s.io/looker created' kubectl create clusterrole looker --verb=get --resource=nodes
same 'clusterrolebinding.rbac.authorization.k8s.io/lookers created' kubectl create clusterrolebinding lookers --clusterrole=looker --user=jo
same 'poddisruptionbudget.policy/web created' kubectl create poddisruptionbudget web --selector=app=web --min-available=1
same 'priorityclass.scheduling.k8s.io/urgent created' kubectl create priorityclass urgent --value=1000
same 'resourcequota/share created' kubectl create quota share --hard=pods=50,services=20
same 'pod/lone created' kubectl run lone --image=busybox:1 --labels=app=lone,tier=test -- sleep 60
same 'configmap/dry created (dry run)' kubectl create configmap dry --dry-run=client
same 'configmap/dry created (server dry run)' kubectl create configmap dry --dry-run=server
fails '^Error from server \(NotFound\): configmaps "dry" not found$' kubectl get configmap dry

cat >"$WORK/node.yaml" <<'YAML'
apiVersion: v1
kind: Node
metadata:
  name: anvil
  labels: {zone: south}
---
apiVersion: v1
kind: Node
metadata:
  name: bellows
  labels: {zone: north}
YAML
same $'node/anvil created\nnode/bellows created' kubectl create -f "$WORK/node.yaml"
same 'configmap/piped created' bash -c 'kubectl create configmap piped --from-literal=a=b --dry-run=client -o json | kubectl create -f -'

# Tables.
like '^NAME +DATA +AGE$' kubectl get configmaps
like '^settings +2 +[0-9]+s$' kubectl get configmaps
like '^password +Opaque +1 +[0-9]+s$' kubectl get secrets
like '^pull +kubernetes.io/dockerconfigjson +1 ' kubectl get secrets
like '^web +0/2 +0 +0 +[0-9]+s +nginx +nginx:1.27 +app=web$' kubectl get deployments -o wide
like '^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$' kubectl get pods -o wide
like '^lone +0/1 +Pending +0 +[0-9]+s +<none> +<none> +<none> +<none>$' kubectl get pods -o wide
like '^web +ClusterIP +[^ ]+ +<none> +80/TCP +[0-9]+s$' kubectl get services
like '^door +NodePort +[^ ]+ +<none> +80(:3[0-2][0-9]{3})?/TCP' kubectl get services
like '^often +\*/5 \* \* \* \* +<none> +False +0 +<none> +[0-9]+s$' kubectl get cronjobs
like '^front +<none> +shop.example +80 +[0-9]+s$' kubectl get ingresses
like '^reader +20[0-9-]+T[0-9:]+Z$' kubectl get roles
like '^readers +Role/reader +[0-9]+s$' kubectl get rolebindings
like '^web +1 +N/A +0 +[0-9]+s$' kubectl get poddisruptionbudgets
like '^urgent +1000 +false +[0-9]+s +PreemptLowerPriority$' kubectl get priorityclasses
like '^shop +Active +[0-9]+s$' kubectl get namespaces
like '^kube-system +Active' kubectl get namespaces
like '^kubernetes +ClusterIP +10\.0\.0\.1 +<none> +443/TCP' kubectl get services -n default
like '^shop +settings +2' kubectl get configmaps -A
like '^lone .*app=lone,tier=test$' kubectl get pods --show-labels
like '^anvil .* south$' kubectl get nodes -L zone
like '^deployment.apps/web +0/2' kubectl get deployments,configmaps
like '^configmap/settings +2' kubectl get deployments,configmaps
like '^service/web ' kubectl get all
lacks 'NAME' kubectl get configmaps --no-headers
like '^No resources found in shop namespace' kubectl get statefulsets

# Forms.
same blue kubectl get configmap settings -o 'jsonpath={.data.color}'
same 'configmap/settings' kubectl get configmap settings -o name
same $'settings   blue' kubectl get configmap settings --no-headers -o custom-columns=N:.metadata.name,C:.data.color
same 'b9' kubectl get configmap settings -o 'go-template={{slice .data.color 0 1}}{{.data.size}}'
like '^  color: blue$' kubectl get configmap settings -o yaml
like '^    "namespace": "shop",?$' bash -c 'kubectl get configmap settings -o json | jq .metadata | sed "s/^/  /"'
same b3Blbg== kubectl get secret password -o 'jsonpath={.data.word}'
same 'ConfigMap v1' kubectl get configmap settings -o 'jsonpath={.kind} {.apiVersion}'
like '^kind: List$' kubectl get configmaps,secrets -o yaml
same 'anvil bellows' kubectl get nodes -o 'jsonpath={.items[*].metadata.name}'
same $'bellows\nanvil' kubectl get nodes --sort-by='{.metadata.labels.zone}' --no-headers -o custom-columns=N:.metadata.name
lacks managedFields kubectl get configmap settings -o yaml

# Selection.
same 'pod/lone' kubectl get pods -l app=lone -o name
same 'pod/lone' kubectl get pods -l 'app in (lone,other),tier!=prod' -o name
same '' kubectl get pods -l 'app notin (lone),!tier' -o name
same 'pod/lone' kubectl get pods --field-selector=metadata.name=lone,status.phase=Pending -o name
same '' kubectl get pods --field-selector=spec.nodeName=anvil -o name
same 'secret/pull' kubectl get secrets --field-selector=type=kubernetes.io/dockerconfigjson -o name
fails 'field label not supported: spec.unknown' kubectl get pods --field-selector=spec.unknown=1
same '' kubectl get configmap nothing --ignore-not-found
fails '^Error from server \(NotFound\): configmaps "nothing" not found$' kubectl get configmap nothing

# Descriptions, made of several requests.
like '^Name: +settings$' kubectl describe configmap settings
like '^color:$' kubectl describe configmap settings
like '^Replicas: +2 desired' kubectl describe deployment web
like '^Labels: +app=lone$' kubectl describe pod lone
like '^Roles:|^Name: +anvil' kubectl describe node anvil
like '^TargetPort: +8080/TCP$' kubectl describe service web
like '^Status: +Active$' kubectl describe namespace shop
