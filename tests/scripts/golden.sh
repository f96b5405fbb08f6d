#!/usr/bin/env bash
# Replays recorded conversations with kube-apiserver and compares with the floor in tests/golden-floor.tsv.
#
#   golden.sh BIN             fails when a group agrees in fewer steps than its floor says
#   golden.sh BIN --show GROUP [ARGUMENT...]    replays one group and prints the differences
#
# The recordings are in tests/data/recordings. `cargo test` replays all of them in process; here those groups
# are replayed over TLS that say something about connections, media and streams.
set -euo pipefail

binary=$1
mode=${2:-}
source "$(dirname "$0")/server.sh"
root=$(cd "$SCRIPTS/../.." && pwd)
floor=$root/tests/golden-floor.tsv
recordings=$root/tests/data/recordings
groups=(defaults deletion discovery errors lifecycle listwatch patch services subresources tables validation)

# Replays group $1 against a server of its own; further arguments go to the replay.
replay() {
    local group=$1
    shift
    fresh_server
    SERVICE_ACCOUNTS=1 start_server "$binary" memory \
        "--token-auth-file=$recordings/server/tokens.csv" "--client-ca-file=$recordings/server/ca.crt" \
        "--service-account-key-file=$recordings/server/sa.key" \
        "--service-account-signing-key-file=$recordings/server/sa.key" \
        --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.0.0.0/24 \
        --external-hostname=192.0.2.2:6443 --authorization-mode=Node,RBAC --allow-privileged=true
    python3 "$SCRIPTS/replay.py" --folder "$recordings" --server "$SERVER_URL" --group "$group" "$@" || true
    end_server KILL
}

if [ "$mode" = --show ]; then
    group=$3
    shift 3
    replay "$group" -v "$@"
    exit
fi

found=$WORK/found.tsv
for group in "${groups[@]}"; do
    # GROUP: AGREE of TOTAL steps agree, STATUS in status
    replay "$group" |
        sed -n "s/^$group: \([0-9]*\) of \([0-9]*\) steps agree, \([0-9]*\) in status\$/$group\t\1\t\3\t\2/p" >>"$found"
done

python3 - "$found" "$floor" "${groups[@]}" <<'PYTHON'
import sys

found_path, floor_path, *groups = sys.argv[1:]
found = {}
for line in open(found_path):
    group, agree, status, total = line.split()
    found[group] = int(agree), int(status), int(total)
floor = {}
for line in open(floor_path):
    group, agree, status = line.split()
    floor[group] = int(agree), int(status)

# Steps that may differ here: those that compare ages in seconds, which differ when the machine has other things to do,
# and those that name the port which the server listens on.
SLACK = {"listwatch": 2, "services": 1, "tables": 1}

passed = failed = 0
print(f"{'group':<13}{'agree':>7}{'floor':>7}{'status':>8}{'floor':>7}{'total':>7}")
for group in groups:
    agree, status, total = found.get(group, (0, 0, 0))
    least_agree, least_status = floor.get(group, (0, 0))
    below = agree < least_agree - SLACK.get(group, 0) or status < least_status
    failed += below
    passed += not below
    print(f"{group:<13}{agree:>7}{least_agree:>7}{status:>8}{least_status:>7}{total:>7}{'  below the floor' if below else ''}")
sums = [sum(row[i] for row in found.values()) for i in range(3)]
print(f"all: {sums[0]} of {sums[2]} steps agree, {sums[1]} in status")
print(f"recordings: {passed} passed, {failed} failed")

sys.exit(1 if failed else 0)
PYTHON
