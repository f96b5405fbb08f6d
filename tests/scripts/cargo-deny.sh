#!/usr/bin/env bash
# Checks the licences, the versions and the sources of all dependencies (deny.toml), and known vulnerabilities where
# the list of them can be reached.
set -euo pipefail

cd "$(dirname "$0")/../.."
deny=$(tests/scripts/install-cargo-deny.sh)
"$deny" --all-features check licenses bans sources
if "$deny" fetch db >/dev/null 2>&1; then
    "$deny" --all-features check advisories
else
    echo "skipped: the list of known vulnerabilities cannot be reached"
fi
