#!/usr/bin/env bash
# How a server ends that gets SIGTERM: it is not ready and serves on for the delay, new connections and watches too;
# then it takes no new requests, ends its watches and exits with 0. A second signal ends it at once.
#
#   shutdown.sh BIN STORE    with STORE embedded, memory or etcd
set -euo pipefail

binary=$1
store=$2
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

fresh_server
echo 'secret,admin,admin,system:masters' >"$DATA/tokens.csv"
flags=("--token-auth-file=$DATA/tokens.csv" --authorization-mode=AlwaysAllow)

ask() {
    curl -sk -m 20 -H 'Authorization: Bearer secret' "$SERVER_URL$1" "${@:2}"
}
status() {
    ask "$1" -o "$WORK/quiet" -w '%{http_code}' "${@:2}"
}
maps=/api/v1/namespaces/default/configmaps

# Sends a signal, and waits until the server has taken note.
terminate() {
    kill -TERM "$SERVER_PID"
    local tries
    for tries in $(seq 100); do
        [ "$(status /readyz)" != 500 ] || return 0
        sleep 0.05
    done
}

# Starts a server and waits until it is ready.
start_ready() {
    start_server "$binary" "$store" "${flags[@]}" "$@"
    local tries
    for tries in $(seq 300); do
        [ "$(status /readyz)" != 200 ] || return 0
        sleep 0.1
    done
}

start_ready --shutdown-delay-duration=4s
same 200 status /readyz
ask "$maps?watch=1" >"$WORK/before" &
before=$!
terminate
same 500 status /readyz
same 200 status /livez
like '^\[-\]shutdown failed: reason withheld$' ask /readyz
same 201 status "$maps" -H 'Content-Type: application/json' -d '{"metadata":{"name":"late"}}'
ask "$maps?watch=1" >"$WORK/during" &
during=$!
same 200 status "$maps/late"
# Both watches end in order, with what happened while the server was going.
wait "$before"
wait "$during"
like '"name":"late"' cat "$WORK/before"
like '"name":"late"' cat "$WORK/during"
SERVER_STATUS=0
wait "$SERVER_PID" || SERVER_STATUS=$?
same 0 echo "$SERVER_STATUS"
fails '' status /livez

# The delay is long, and nobody wants to wait for it.
start_ready --shutdown-delay-duration=1h
terminate
same 200 status "$maps"
end_server TERM
same 1 echo "$SERVER_STATUS"
like 'a second signal ends the server at once' cat "$DATA/stderr"

# What was acknowledged is there; without a delay a server with an open watch ends on its own.
start_ready
[ "$store" = memory ] || same 200 status "$maps/late"
ask "$maps?watch=1" >"$WORK/open" &
open=$!
end_server TERM
same 0 echo "$SERVER_STATUS"
wait "$open" || true
done_checking "shutting down, $store"
