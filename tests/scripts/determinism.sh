#!/usr/bin/env bash
# The same seed is the same run, in another process and in another build.
#
#   determinism.sh DEBUG CAMPAIGN [SEEDS]    with the command in two builds; each seed counts as one test
set -euo pipefail

debug=$1
campaign=$2
seeds=${3:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A run that breaks a guarantee is the campaign's to report: here it only has to be the same again.
digests() {
    local code=0
    "$@" sim --seeds "$seeds" --digests || code=$?
    [ "$code" = 0 ] || { [ "$code" -ge 10 ] && [ "$code" -le 12 ]; }
}

digests "$debug" >"$work/debug"
digests "$campaign" >"$work/one"
digests "$campaign" >"$work/another"

passed=0
failed=0
for seed in $(seq "$seeds"); do
    lines=$(for run in debug one another; do grep "^$seed " "$work/$run" || echo "none in $run"; done | sort -u)
    if [ "$(wc -l <<<"$lines")" = 1 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: steersman sim $seed"
        for run in debug one another; do echo "  $run: $(grep "^$seed " "$work/$run" || echo nothing)"; done
    fi
done
echo "determinism: $passed passed, $failed failed"
[ "$failed" = 0 ]
