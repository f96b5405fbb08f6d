#!/usr/bin/env bash
# Attacks a server of its own with hostile clients (the directory hostile), and checks that it stays well.
#
#   hostile.sh BIN [ARGUMENT...]    arguments go to hostile/main.py: --seconds N, --report, --long, --only NAME...
set -euo pipefail

source "$(dirname "$0")/server.sh"
binary=$1
shift
# A server that is told of no client makes one with a certificate: the server under attack knows it, and a token.
start_server "$binary" memory
end_server TERM
cp "$DATA/pki/ca.crt" "$DATA/admin.kubeconfig" "$WORK"
fresh_server
printf 'hostile-token,admin,admin,"system:masters"\n' >"$WORK/tokens.csv"
start_server "$binary" embedded "--token-auth-file=$WORK/tokens.csv" "--client-ca-file=$WORK/ca.crt" \
    --authorization-mode=AlwaysAllow
code=0
python3 "$SCRIPTS/hostile/main.py" --port "$SERVER_PORT" --token hostile-token --pid "$SERVER_PID" \
    --kubeconfig "$WORK/admin.kubeconfig" "$@" || code=$?
grep -a 'panicked\|damaged' "$DATA/stderr" && code=1
exit "$code"
