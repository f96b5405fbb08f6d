#!/usr/bin/env bash
# Installs, upgrades, rolls back and removes a chart with objects of many kinds, with helm, and looks at them with
# kubectl.
#
#   helm.sh BIN STORE    with STORE embedded, memory or etcd
set -euo pipefail

binary=$1
store=$2
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

mkdir -p "$WORK/bin" "$WORK/home"
ln -s "$("$SCRIPTS/install-kubectl.sh")" "$WORK/bin/kubectl"
ln -s "$("$SCRIPTS/install-helm.sh")" "$WORK/bin/helm"
export PATH=$WORK/bin:$PATH HOME=$WORK/home
chart=$SCRIPTS/helm/chart

start_server "$binary" "$store"

# The kinds of the objects that belong to the release, in the namespace and outside, one per line.
kinds_of_release() {
    helm get manifest shop -n town | sed -n 's/^kind: //p' | sort -u
}
field() {
    kubectl -n town get "$1" -o "jsonpath={$2}"
}

like '^STATUS: deployed' helm install shop "$chart" -n town --create-namespace
kinds=$(kinds_of_release)
same 23 wc -l <<<"$kinds"
for kind in $kinds; do
    like "/shop" kubectl -n town get "$kind" -l app.kubernetes.io/instance=shop -o name
done
same 2 field deployment/shop .spec.replicas
like '^3[0-2][0-9]{3}$' field service/shop '.spec.ports[0].nodePort'
like '^10\.' field service/shop .spec.clusterIP
same 1 field configmap/shop-hook .data.revision
like '^helm$' field deployment/shop '.metadata.managedFields[0].manager'
fails 'cannot re-?use a name' helm install shop "$chart" -n town

ports=$(field service/shop '.spec.ports[*].nodePort')
address=$(field service/shop .spec.clusterIP)
like '^REVISION: 2' helm upgrade shop "$chart" -n town --set replicas=3,message=bye,extra=false
same 3 field deployment/shop .spec.replicas
same bye field configmap/shop .data.MESSAGE
same "$ports" field service/shop '.spec.ports[*].nodePort'
same "$address" field service/shop .spec.clusterIP
fails 'NotFound' kubectl get storageclass shop
same 2 field configmap/shop-hook .data.revision

# An upgrade that the server refuses changes nothing but the release's history.
fails 'spec.replicas: Invalid value: -1' helm upgrade shop "$chart" -n town --set replicas=-1
same 3 field deployment/shop .spec.replicas

like 'Rollback was a success' helm rollback shop 1 -n town
same 2 field deployment/shop .spec.replicas
same hello field configmap/shop .data.MESSAGE
like '^storageclass.storage.k8s.io/shop$' kubectl get storageclass shop -o name
same "$ports" field service/shop '.spec.ports[*].nodePort'
like '^4\s.*deployed' helm history shop -n town
like '"name":"shop".*"status":"deployed"' helm list -n town -o json

like 'release "shop" uninstalled' helm uninstall shop -n town
# No controller runs that would see that no pod uses the claim.
like 'patched' kubectl -n town patch persistentvolumeclaim shop --type=merge -p '{"metadata":{"finalizers":null}}'
for kind in $kinds; do
    lacks . kubectl -n town get "$kind" -l app.kubernetes.io/instance=shop -o name
done
lacks . helm list -n town -q
done_checking "helm over $store"
