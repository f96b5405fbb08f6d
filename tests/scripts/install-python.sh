#!/usr/bin/env bash
# Makes a Python environment with the client library `kubernetes` below target/tools; prints the interpreter's path.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
environment=$root/target/tools/python
client=kubernetes==36.0.2

if [ ! -e "$environment/$client" ]; then
    rm -rf "$environment"
    mkdir -p "$root/target/tools"
    if ! command -v python3 >&2 || ! python3 -m venv "$environment" >&2; then
        # Some systems ship Python without venv.
        rm -rf "$environment"
        apt-get update -q >&2
        apt-get install -q -y --no-install-recommends python3 python3-venv >&2
        python3 -m venv "$environment" >&2
    fi
    "$environment/bin/python" -m pip install --quiet "$client" >&2
    touch "$environment/$client"
fi
echo "$environment/bin/python"
