# More objects than one page of kubectl holds.

kubectl create namespace bulk >"$WORK/quiet"
python3 - >"$WORK/bulk.json" <<'PYTHON'
import json
items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"item-{i:04}", "labels": {"half": str(i % 2)}}} for i in range(620)]
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
PYTHON
like '^configmap/item-0619 created$' kubectl create --namespace=bulk -f "$WORK/bulk.json"
same 620 bash -c 'kubectl get configmaps --namespace=bulk -o name | sort -u | wc -l'
same 620 bash -c 'kubectl get configmaps --namespace=bulk --no-headers | wc -l'
# One request a page: the last of a size of 100 has the remaining 20.
same 7 bash -c 'kubectl get configmaps --namespace=bulk --chunk-size=100 -v=6 2>&1 | grep -c "limit=100"'
same 620 bash -c 'kubectl get configmaps --namespace=bulk --chunk-size=7 --no-headers | sort -u | wc -l'
same 310 bash -c 'kubectl get configmaps --namespace=bulk -l half=1 --chunk-size=50 -o name | wc -l'
same 620 bash -c 'kubectl get configmaps --namespace=bulk --chunk-size=0 -o name | wc -l'
like '"remainingItemCount":615' kubectl get --raw '/api/v1/namespaces/bulk/configmaps?limit=5'

# A whole collection goes in one request; then the namespace, whose content is gone, in two.
like '"kind":"(ConfigMapList|Status)"' kubectl delete --raw /api/v1/namespaces/bulk/configmaps
same '' kubectl get configmaps --namespace=bulk -o name
same 'namespace "bulk" deleted' kubectl delete namespace bulk --wait=false
same Terminating kubectl get namespace bulk -o 'jsonpath={.status.phase}'
fails 'forbidden.*because it is being terminated' kubectl create configmap late --namespace=bulk
like '"phase":"Terminating"' bash -c "kubectl get namespace bulk -o json | jq '.spec.finalizers = []' | kubectl replace --raw /api/v1/namespaces/bulk/finalize -f -"
fails 'namespaces "bulk" not found' kubectl get namespace bulk
fails 'namespaces "bulk" not found' kubectl create configmap late --namespace=bulk
