# A service account uses tokens that are bound to a pod and to itself. They end with what they are bound to.

# kubectl with a token and nothing else.
with_token() {
    local token=$1
    shift
    kubectl --kubeconfig=/dev/null --server="$SERVER_URL" --certificate-authority="$DATA/pki/apiserver.crt" \
        --token="$token" "$@"
}

same 'namespace/bots created' kubectl create namespace bots
like 'serviceaccount/runner created' kubectl create serviceaccount runner -n bots
like 'created$' kubectl create role reader -n bots --verb=get,list --resource=configmaps
like 'created$' kubectl create rolebinding reader -n bots --role=reader --serviceaccount=bots:runner
same 'pod/job created' kubectl create -f - <<'YAML'
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"job","namespace":"bots"},
 "spec":{"serviceAccountName":"runner","containers":[{"name":"c","image":"registry.example.com/c:1"}]}}
YAML
of_pod=$(kubectl create token runner -n bots --bound-object-kind=Pod --bound-object-name=job || true)
of_account=$(kubectl create token runner -n bots || true)
for token in "$of_pod" "$of_account"; do
    same system:serviceaccount:bots:runner with_token "$token" auth whoami -o jsonpath='{.status.userInfo.username}'
    like '^No resources found in bots namespace' with_token "$token" get configmaps -n bots
    fails 'User "system:serviceaccount:bots:runner" cannot list resource "secrets"' \
        with_token "$token" get secrets -n bots
done
like '"job"' with_token "$of_pod" auth whoami -o json

like '^pod "job" force deleted' kubectl delete pod job -n bots --grace-period=0 --force
fails 'You must be logged in to the server' with_token "$of_pod" get configmaps -n bots
like '^No resources found in bots namespace' with_token "$of_account" get configmaps -n bots
like 'deleted' kubectl delete serviceaccount runner -n bots
fails 'You must be logged in to the server' with_token "$of_account" get configmaps -n bots
# Another account of the same name is another one.
like 'created$' kubectl create serviceaccount runner -n bots
fails 'You must be logged in to the server' with_token "$of_account" get configmaps -n bots
