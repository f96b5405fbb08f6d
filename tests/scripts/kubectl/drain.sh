# Nodes, bindings, disruption budgets, evictions and a drain. No kubelet runs, so this script ends the pods.

pod() {
    echo "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"app\":\"drained\"}},
        \"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"app:1\"}]}}"
}
bind() {
    echo "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"$1\"},\"target\":{\"kind\":\"Node\",\"name\":\"$2\"}}" |
        kubectl create --raw "/api/v1/namespaces/drained/pods/$1/binding" -f -
}
# What a disruption controller would say.
allow() {
    kubectl -n drained patch poddisruptionbudget drained --subresource=status --type=merge -p \
        "{\"status\":{\"observedGeneration\":1,\"disruptionsAllowed\":$1,\"currentHealthy\":2,\"desiredHealthy\":1,\"expectedPods\":2,\"disruptedPods\":null}}"
}
# What a kubelet does with pods that are to end.
end_pods() {
    local name
    for name in $(kubectl -n drained get pods -o 'jsonpath={range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name}{"\n"}{end}'); do
        kubectl -n drained delete pod "$name" --grace-period=0 --force --wait=false
    done
}

same 'namespace/drained created' kubectl create namespace drained
kubectl -n drained create serviceaccount default >"$WORK/quiet" 2>&1 || true
for name in node-a node-b; do
    same "node/$name created" kubectl create -f - <<<"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"$name\"}}"
done
for name in one two; do
    same "pod/$name created" kubectl -n drained create -f - <<<"$(pod $name)"
    like '"status":"Success"' bind "$name" node-a
    same node-a kubectl -n drained get pod "$name" -o 'jsonpath={.spec.nodeName}'
    same True kubectl -n drained get pod "$name" -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].status}'
    same "pod/$name patched" kubectl -n drained patch pod "$name" --subresource=status --type=merge -p \
        '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}'
done
fails 'already assigned to node "node-a"' bind one node-b
same 'poddisruptionbudget.policy/drained created' \
    kubectl -n drained create poddisruptionbudget drained --selector=app=drained --min-available=1
like 'patched' allow 0
fails "Cannot evict pod as it would violate the pod's disruption budget" kubectl drain node-a --force --timeout=6s
like 'SchedulingDisabled' kubectl get node node-a
same 2 bash -c 'kubectl -n drained get pods -o name | wc -l'

like 'patched' allow 1
(for _ in $(seq 60); do
    end_pods
    [ "$(kubectl -n drained get pods -o name | wc -l)" = 2 ] || allow 1
    sleep 0.5
done) >"$WORK/quiet" 2>&1 &
kubelet=$!
like '^node/node-a drained$' kubectl drain node-a --force --timeout=40s
kill "$kubelet" 2>/dev/null || true
wait "$kubelet" 2>/dev/null || true
same '' kubectl -n drained get pods -o name
same 'node/node-a uncordoned' kubectl uncordon node-a
same '' kubectl get node node-a -o 'jsonpath={.spec.unschedulable}'
