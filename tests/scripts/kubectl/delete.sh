# The ways to delete.

for name in d1 d2 d3 d4 d5; do kubectl create configmap $name >"$WORK/quiet"; done
kubectl label configmap d2 d3 heap=yes >"$WORK/quiet"
same 'configmap "d1" deleted from shop namespace' kubectl delete configmap d1
fails '^Error from server \(NotFound\): configmaps "d1" not found$' kubectl delete configmap d1
same '' kubectl delete configmap d1 --ignore-not-found
same 'configmap "d2" deleted from shop namespace (server dry run)' kubectl delete configmap d2 --dry-run=server
same $'configmap "d2" deleted from shop namespace\nconfigmap "d3" deleted from shop namespace' kubectl delete configmap -l heap=yes
same $'configmap "d4" deleted from shop namespace\nconfigmap "d5" deleted from shop namespace' kubectl delete configmap/d4 configmap/d5
fails 'NotFound' kubectl get configmap d2

# Something holds it.
kubectl create configmap held >"$WORK/quiet"
kubectl patch configmap held --type=merge -p '{"metadata":{"finalizers":["example.com/hold"]}}' >"$WORK/quiet"
fails 'timed out waiting for the condition' kubectl delete configmap held --timeout=1s
like '^20' kubectl get configmap held -o 'jsonpath={.metadata.deletionTimestamp}'
kubectl delete configmap held --timeout=20s >"$WORK/held" 2>&1 &
holder=$!
sleep 0.5
same 'configmap/held patched' kubectl patch configmap held --type=merge -p '{"metadata":{"finalizers":null}}'
wait "$holder" || true
same 'configmap "held" deleted from shop namespace' cat "$WORK/held"

# A pod without a node goes at once; one that runs waits for its node's agent, unless it is forced.
for name in here gone; do kubectl run $name --image=busybox:1 --overrides='{"spec":{"nodeName":"anvil"}}' >"$WORK/quiet"; done
same 'pod "lone" deleted from shop namespace' kubectl delete pod lone --grace-period=5
same 'pod "here" deleted from shop namespace' kubectl delete pod here --grace-period=7 --wait=false
like '^here +0/1 +Terminating' kubectl get pods
same 7 kubectl get pod here -o 'jsonpath={.metadata.deletionGracePeriodSeconds}'
like '^pod "gone" force deleted' kubectl delete pod gone --grace-period=0 --force
fails 'NotFound' kubectl get pod gone
like '^pod "here" force deleted' kubectl delete pod here --grace-period=0 --force
same '' kubectl get pods -o name

# What depends on a deployment is for the garbage collector to find.
same 'deployment.apps "app" deleted from shop namespace' kubectl delete deployment app --cascade=orphan --wait=false
same 'orphan' kubectl get deployment app -o 'jsonpath={.metadata.finalizers[0]}'
like '^deployment.apps/app patched$' kubectl patch deployment app --type=merge -p '{"metadata":{"finalizers":[]}}'
fails 'NotFound' kubectl get deployment app
like '^configmap "set-one" deleted' kubectl delete configmap --all
same '' kubectl get configmaps -o name
same 'node "bellows" deleted' kubectl delete node bellows
same $'clusterrole.rbac.authorization.k8s.io "looker" deleted\npriorityclass.scheduling.k8s.io "urgent" deleted' kubectl delete clusterrole/looker priorityclass/urgent
fails 'namespaces "default" is forbidden|namespace can not be deleted|this namespace may not be deleted' kubectl delete namespace default --wait=false
