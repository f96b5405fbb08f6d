# The history of a deployment, undone and restarted. No controller runs, so this script makes its ReplicaSets.

deployment() {
    cat <<YAML
{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"roll","annotations":{"kubernetes.io/change-cause":"$2"}},
 "spec":{"selector":{"matchLabels":{"app":"roll"}},"template":{"metadata":{"labels":{"app":"roll"}},
 "spec":{"containers":[{"name":"main","image":"app:$1"}]}}}}
YAML
}

# The ReplicaSet that a controller would make for a revision.
replica_set() {
    kubectl get deployment roll -o json | python3 -c '
import json, sys
held, revision = json.load(sys.stdin), sys.argv[1]
template = held["spec"]["template"]
template["metadata"]["labels"]["pod-template-hash"] = revision
owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "roll", "uid": held["metadata"]["uid"],
         "controller": True, "blockOwnerDeletion": True}
annotations = dict(held["metadata"]["annotations"], **{"deployment.kubernetes.io/revision": revision})
print(json.dumps({"apiVersion": "apps/v1", "kind": "ReplicaSet",
    "metadata": {"name": "roll-" + revision, "labels": template["metadata"]["labels"], "annotations": annotations,
                 "ownerReferences": [owner]},
    "spec": {"replicas": 1, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}}))
' "$1" | kubectl create -f -
}

same 'deployment.apps/roll created' bash -c "$(declare -f deployment); deployment 1 first | kubectl apply -f -"
like 'created$' replica_set 1
same 'deployment.apps/roll configured' bash -c "$(declare -f deployment); deployment 2 second | kubectl apply -f -"
like 'created$' replica_set 2
like '^1 +first$' kubectl rollout history deployment roll
like '^2 +second$' kubectl rollout history deployment roll
like 'Image:.*app:1' kubectl rollout history deployment roll --revision=1
like '^deployment.apps/roll rolled back$' kubectl rollout undo deployment roll --to-revision=1
same app:1 kubectl get deployment roll -o 'jsonpath={.spec.template.spec.containers[0].image}'
same 'deployment.apps/roll restarted' kubectl rollout restart deployment roll
like '^20' kubectl get deployment roll -o 'jsonpath={.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}'
same 'deployment.apps/roll paused' kubectl rollout pause deployment roll
fails 'cannot rollback a paused deployment' kubectl rollout undo deployment roll
same 'deployment.apps/roll resumed' kubectl rollout resume deployment roll
same 'deployment.apps/roll image updated' kubectl set image deployment/roll main=app:3
generation=$(kubectl get deployment roll -o 'jsonpath={.metadata.generation}')
same 'deployment.apps/roll patched' kubectl patch deployment roll --subresource=status --type=merge \
    -p "{\"status\":{\"observedGeneration\":$generation,\"replicas\":1,\"updatedReplicas\":1,\"readyReplicas\":1,\"availableReplicas\":1}}"
same 'deployment "roll" successfully rolled out' kubectl rollout status deployment roll --timeout=10s
same "$generation" kubectl get deployment roll -o 'jsonpath={.metadata.generation}'
fails 'spec.selector: Invalid value.*field is immutable' kubectl patch deployment roll -p '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}'
