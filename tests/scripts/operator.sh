#!/usr/bin/env bash
# usage: operator.sh BIN OPERATOR [STORE]
#
# An operator that is written with kube-rs (the example `librarian` of the tests, built by cargo) against a server with
# sockets, before and after the server was killed.
set -euo pipefail
source "$(dirname "$0")/server.sh"

binary=$1
operator=$2
store=${3:-embedded}

start_server "$binary" "$store"
"$operator"
end_server KILL
start_server "$binary" "$store"
"$operator"
end_server TERM
[ "$SERVER_STATUS" = 0 ]
echo "operator: 2 passed, 0 failed"
