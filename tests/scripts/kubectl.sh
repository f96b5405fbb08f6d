#!/usr/bin/env bash
# Uses a server as people do, with kubectl, and looks at what they would see.
#
#   kubectl.sh BIN STORE [PART...]    with STORE embedded, memory or etcd; PARTs are the files in kubectl/, by default all
set -euo pipefail

binary=$1
store=$2
shift 2
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

mkdir -p "$WORK/bin" "$WORK/home"
ln -s "$("$SCRIPTS/install-kubectl.sh")" "$WORK/bin/kubectl"
export PATH=$WORK/bin:$PATH HOME=$WORK/home

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(create apply ownership change rollout drain credentials access tokens discover watch pages delete refuse restart)
openssl genrsa -out "$WORK/sa.key" 2048 2>"$WORK/quiet"
flags=(--authorization-mode=RBAC --service-account-issuer=https://kubernetes.default.svc "--service-account-key-file=$WORK/sa.key"
    "--service-account-signing-key-file=$WORK/sa.key")
start_server "$binary" "$store" "${flags[@]}"
for part in "${parts[@]}"; do
    before=$PASSED
    source "$SCRIPTS/kubectl/$part.sh"
    server_is_up
    echo "  $part: $((PASSED - before)) passed"
done
done_checking "kubectl over $store"
