# Watches: what is there first, then what happens, filtered, with tables and without.

# Runs a command in the background with its output in $WORK/NAME.
background() {
    local name=$1
    shift
    "$@" >"$WORK/$name" 2>&1 &
}

# The lines of $WORK/NAME, as soon as there are COUNT of them.
lines_of() {
    local tries
    for tries in $(seq 100); do
        [ "$(wc -l <"$WORK/$1")" -ge "$2" ] && break
        sleep 0.1
    done
    cat "$WORK/$1"
}

kubectl create namespace tower >"$WORK/quiet"
kubectl create configmap first --namespace=tower --from-literal=a=1 >"$WORK/quiet"
background events kubectl get configmaps --namespace=tower --watch --output-watch-events
background labelled kubectl get configmaps --namespace=tower --watch --output-watch-events -l pick=yes --no-headers
background named kubectl get configmap first --namespace=tower --watch -o 'jsonpath={.data.a}{"\n"}'
background only kubectl get configmaps --namespace=tower --watch-only -o name
lines_of events 2 >"$WORK/quiet"
lines_of named 1 >"$WORK/quiet"
sleep 1
kubectl create configmap second --namespace=tower >"$WORK/quiet"
kubectl label configmap second --namespace=tower pick=yes >"$WORK/quiet"
kubectl patch configmap first --namespace=tower --type=merge -p '{"data":{"a":"2"}}' >"$WORK/quiet"
kubectl label configmap second --namespace=tower pick- >"$WORK/quiet"
kubectl delete configmap second --namespace=tower >"$WORK/quiet"

like '^EVENT +NAME +DATA +AGE$' lines_of events 7
same 'ADDED first,ADDED second,MODIFIED second,MODIFIED first,MODIFIED second,DELETED second' \
    bash -c "sed 1d '$WORK/events' | awk '{print \$1, \$2}' | paste -sd,"
like '^ADDED +second' lines_of labelled 2
same 'ADDED DELETED' bash -c "awk '/second/ {print \$1}' '$WORK/labelled' | paste -sd' '"
same $'1\n2' lines_of named 2
same 'configmap/second' bash -c "head -n 1 '$WORK/only'"

# Waiting for what others do.
kubectl create configmap doomed --namespace=tower >"$WORK/quiet"
background gone kubectl wait configmap/doomed --namespace=tower --for=delete --timeout=20s
sleep 1
kubectl delete configmap doomed --namespace=tower >"$WORK/quiet"
same 'configmap/doomed condition met' lines_of gone 1
background became kubectl wait configmap/first --namespace=tower --for='jsonpath={.data.a}=3' --timeout=20s
sleep 1
kubectl patch configmap first --namespace=tower --type=merge -p '{"data":{"a":"3"}}' >"$WORK/quiet"
same 'configmap/first condition met' lines_of became 1
background created kubectl wait configmap/later --namespace=tower --for=create --timeout=20s
sleep 1
kubectl create configmap later --namespace=tower >"$WORK/quiet"
same 'configmap/later condition met' lines_of created 1
