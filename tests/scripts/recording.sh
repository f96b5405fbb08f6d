#!/usr/bin/env bash
# Records a server under kubectl and other clients that work at the same time, and replays the recording: the
# same effects must follow, which the recording's last line tells.
#
#   recording.sh BIN STORE    with STORE embedded, memory or etcd
set -euo pipefail

binary=$1
store=$2
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

mkdir -p "$WORK/bin" "$WORK/home"
ln -s "$("$SCRIPTS/install-kubectl.sh")" "$WORK/bin/kubectl"
export PATH=$WORK/bin:$PATH HOME=$WORK/home
recording=$WORK/recording

# What one person does; several do it at the same time, to objects of their own and to one that all share.
person() {
    local name=$1 round
    kubectl create namespace "$name"
    for round in 1 2 3; do
        kubectl create configmap "map-$round" --namespace="$name" --from-literal=by="$name"
        kubectl label configmap "map-$round" --namespace="$name" round="$round"
        kubectl patch configmap shared --type=merge -p "{\"data\":{\"$name\":\"$round\"}}"
        kubectl get configmaps --namespace="$name" --chunk-size=2
        kubectl get configmaps --all-namespaces -o name
    done
    kubectl create deployment web --namespace="$name" --image=nginx:1.25 --replicas=2
    kubectl scale deployment web --namespace="$name" --replicas=3
    kubectl delete configmap map-1 --namespace="$name"
    kubectl delete deployment web --namespace="$name" --cascade=orphan --wait=false
}

start_server "$binary" "$store" "--record=$recording"
kubectl create configmap shared >"$WORK/quiet"
kubectl get configmaps --all-namespaces --watch --output-watch-events >"$WORK/watched" 2>&1 &
watcher=$!
kubectl config view --raw -o json | timeout 15 python3 "$SCRIPTS/write_loop.py" loop >"$WORK/acknowledged" 2>"$WORK/refused" &
writer=$!
people=()
for name in alice bob carol; do
    person "$name" >"$WORK/$name" 2>&1 &
    people+=($!)
done
for person in "${people[@]}"; do
    status=0
    wait "$person" || status=$?
    same 0 echo "$status"
done
same '{"alice":"3","bob":"3","carol":"3"}' bash -c "kubectl get configmap shared -o json | jq -cS .data"
# In the midst of it all.
end_server TERM
same 0 echo "$SERVER_STATUS"
wait "$writer" || true
kill "$watcher" 2>/dev/null || true
wait "$watcher" 2>/dev/null || true
like '^[0-9]{2,}$' bash -c "wc -l <'$WORK/acknowledged'"
like '^MODIFIED +default +shared' cat "$WORK/watched"

like '^[0-9]{3,} inputs, [0-9]{3,} steps, [0-9]{3,} answers, .*, as recorded$' "$binary" replay "$recording"
same "$("$binary" replay "$recording")" "$binary" replay "$recording"

# A recording that was changed, a server that was another one, and a recording without an end are told.
replay_changed() {
    python3 - "$recording" "$WORK/changed" "$1" <<'PYTHON'
import re, sys
text = open(sys.argv[1], "rb").read()
lines = text.split(b"\n")
match sys.argv[3]:
    case "byte":  # of a request's body
        at = text.index(b'map-2') + 4
        text = text[:at] + b"7" + text[at + 1:]
    case "effects":
        last = lines[-2]
        lines[-2] = last[:-1] + (b"0" if last[-1:] != b"0" else b"1")
        text = b"\n".join(lines)
    case "end":
        text = b"\n".join(lines[:-2]) + b"\n"
open(sys.argv[2], "wb").write(text)
PYTHON
    "$binary" replay "$WORK/changed"
}
fails 'line [0-9]+: ' replay_changed byte
fails 'line [0-9]+: the effects had digest ' replay_changed effects
fails 'the recording has no end' replay_changed end
done_checking "a recording over $store"
