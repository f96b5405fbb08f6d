# The end of a server: killed while it writes, then asked to go.

# Names and resource versions of the config maps that the server has.
stored() {
    kubectl get configmaps --namespace=default --chunk-size=0 \
        -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}' | sort
}

# What was acknowledged and is not there as it was.
lost() {
    stored >"$WORK/stored"
    cat "$WORK"/acknowledged-* | sort | comm -23 - "$WORK/stored" | head -n 5
}

if [ "$store" != memory ]; then
    for round in one two three; do
        kubectl config view --raw -o json | python3 "$SCRIPTS/write_loop.py" "$round" >"$WORK/acknowledged-$round" &
        writer=$!
        sleep 2
        end_server KILL
        wait "$writer"
        start_server "$binary" "$store" "${flags[@]}"
        like '^[0-9]{2,}$' bash -c "wc -l <'$WORK/acknowledged-$round'"
        same '' lost
    done
    last=$(cut -d' ' -f2 "$WORK"/acknowledged-* | sort -n | tail -n 1)
    kubectl create configmap after --namespace=default >"$WORK/quiet"
    same later bash -c "[ \$(kubectl get configmap after --namespace=default -o 'jsonpath={.metadata.resourceVersion}') -gt $last ] && echo later"
fi

# A server that is told to end answers what it has begun, closes its watches and ends in order.
kubectl config view --raw -o json | python3 "$SCRIPTS/write_loop.py" final >"$WORK/acknowledged-final" 2>"$WORK/refused" &
writer=$!
timeout 60 kubectl get --raw '/api/v1/namespaces/default/configmaps?watch=true' >"$WORK/watched" 2>&1 &
watcher=$!
sleep 1
end_server TERM
same 0 echo "$SERVER_STATUS"
wait "$writer"
ended=0
wait "$watcher" || ended=$?
same 'not timed out' bash -c "[ $ended != 124 ] && echo not timed out"
like '"type":"ADDED".*"final-' cat "$WORK/watched"
start_server "$binary" "$store" "${flags[@]}"
if [ "$store" = memory ]; then
    same '' stored
else
    same '' lost
fi
like '^Server Version' kubectl version
