#!/usr/bin/env bash
# Attacks a server of its own with hostile clients (hostile/clients.py), and checks that it stays well.
#
#   hostile.sh BIN [ARGUMENT...]    arguments go to hostile/main.py: --seconds N, --report, --only NAME...
set -euo pipefail

source "$(dirname "$0")/server.sh"
binary=$1
shift
fresh_server
printf 'hostile-token,admin,admin,"system:masters"\n' >"$WORK/tokens.csv"
start_server "$binary" embedded "--token-auth-file=$WORK/tokens.csv"
python3 "$SCRIPTS/hostile/main.py" --port "$SERVER_PORT" --token hostile-token --pid "$SERVER_PID" "$@"
