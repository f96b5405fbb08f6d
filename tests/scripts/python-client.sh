#!/usr/bin/env bash
# Runs python_client.py against a server of its own.
#
#   python-client.sh BIN STORE    with STORE embedded, memory or etcd
set -euo pipefail

source "$(dirname "$0")/server.sh"
python=$("$SCRIPTS/install-python.sh")
start_server "$1" "$2"
"$python" "$SCRIPTS/python_client.py" "$2"
