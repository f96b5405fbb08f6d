#!/usr/bin/env bash
# How a server ends whose disk fails: the write whose sync failed has an unknown outcome, nothing is written after it,
# probes say so, watches end in order, and the process ends with code 1 and the reason. What was acknowledged is there at
# the next start.
#
#   failing-disk.sh BIN
set -euo pipefail

binary=$1
if ! compiler=$(command -v cc) || [ "$(uname -s)" != Linux ]; then
    echo "skipped: a C compiler and Linux are needed to make a disk fail"
    exit 77
fi
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

fresh_server
echo 'secret,admin,admin,system:masters' >"$DATA/tokens.csv"
"$compiler" -shared -fPIC -o "$WORK/failing-disk.so" "$SCRIPTS/failing-disk.c" -ldl
export FAIL_FLAG=$WORK/disk-fails
FAIL_DIR=$(realpath "$DATA")/store
export FAIL_DIR
maps=/api/v1/namespaces/default/configmaps

ask() {
    curl -sk -m 20 -H 'Authorization: Bearer secret' "$SERVER_URL$1" "${@:2}"
}
create() {
    ask "$maps" -o "$WORK/created" -w '%{http_code}' -H 'Content-Type: application/json' \
        -d '{"metadata":{"name":"'"$1"'"}}' || true
}
start_ready() {
    start_server "$binary" embedded "--token-auth-file=$DATA/tokens.csv" --authorization-mode=AlwaysAllow
    local tries
    for tries in $(seq 300); do
        [ "$(ask /readyz -o "$WORK/quiet" -w '%{http_code}')" != 200 ] || return 0
        sleep 0.1
    done
}

LD_PRELOAD=$WORK/failing-disk.so start_ready
same 201 create before
ask "$maps?watch=1" >"$WORK/watched" &
watch=$!
sleep 0.5
touch "$FAIL_FLAG"
same 504 create unknown
like 'the store refuses writes until a restart, after a failed sync' cat "$WORK/created"
# The sync of the next one would succeed, which proves nothing: it is refused all the same, or nobody answers any more.
rm "$FAIL_FLAG"
like '^(500|503|000)$' create after
SERVER_STATUS=0
wait "$SERVER_PID" || SERVER_STATUS=$?
same 1 echo "$SERVER_STATUS"
like 'Error: the store has failed: .*after a failed sync: Input/output error' cat "$DATA/stderr"
watch_status=0
wait "$watch" || watch_status=$?
same 0 echo "$watch_status"
like '"name":"before"' cat "$WORK/watched"

start_ready
same 200 ask "$maps/before" -o "$WORK/quiet" -w '%{http_code}'
same 404 ask "$maps/after" -o "$WORK/quiet" -w '%{http_code}'
same 201 create later
end_server TERM
same 0 echo "$SERVER_STATUS"
done_checking "a failing disk"
