# Who may do what: an editor of one namespace, with a client certificate, and a user to whom nothing was given.

# A kubeconfig of a user whose certificate the server's own authority signs.
user() {
    local name=$1
    openssl req -new -newkey rsa:2048 -nodes -keyout "$WORK/$name.key" -subj "/CN=$name" -out "$WORK/$name.csr" 2>"$WORK/quiet"
    openssl x509 -req -in "$WORK/$name.csr" -CA "$DATA/pki/ca.crt" -CAkey "$DATA/pki/ca.key" -CAcreateserial \
        -CAserial "$WORK/$name.serial" -days 1 -extfile <(echo extendedKeyUsage=clientAuth) -out "$WORK/$name.crt" 2>"$WORK/quiet"
    cat >"$WORK/$name.kubeconfig" <<YAML
{"apiVersion":"v1","kind":"Config","current-context":"c",
 "clusters":[{"name":"c","cluster":{"server":"$SERVER_URL","certificate-authority":"$DATA/pki/apiserver.crt"}}],
 "users":[{"name":"c","user":{"client-certificate":"$WORK/$name.crt","client-key":"$WORK/$name.key"}}],
 "contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}]}
YAML
}
user erin
user nobody
erin() { kubectl --kubeconfig="$WORK/erin.kubeconfig" "$@"; }
nobody() { kubectl --kubeconfig="$WORK/nobody.kubeconfig" "$@"; }

same 'namespace/team created' kubectl create namespace team
fails 'configmaps is forbidden: User "erin" cannot list resource "configmaps" in API group "" in the namespace "team"' \
    erin get configmaps -n team

# The roles view, edit and admin are filled by a controller that does not run here. These are what they are filled with.
for role in system:aggregate-to-edit system:aggregate-to-view; do
    like 'created$' kubectl create rolebinding "erin-$role" "--clusterrole=$role" --user=erin -n team
done
same 'configmap/draft created' erin create configmap draft --from-literal=a=b -n team
same 'configmap/draft labeled' erin label configmap draft by=erin -n team
like '^draft ' erin get configmaps -n team
same yes erin auth can-i create deployments.apps -n team
same yes erin auth can-i get pods/log -n team
fails '^no' erin auth can-i create configmaps -n default
fails '^no' erin auth can-i '*' '*'
fails '^no' erin auth can-i create rolebindings -n team
like '^configmaps +\[\] +\[\] +\[' erin auth can-i --list -n team
like '^selfsubjectaccessreviews.authorization.k8s.io +\[\] +\[\] +\[create\]' nobody auth can-i --list
fails 'cannot create resource "configmaps" in API group "" in the namespace "default"' \
    erin create configmap draft -n default
fails 'cannot list resource "nodes" in API group "" at the cluster scope' erin get nodes

same yes nobody auth can-i get /version
fails '^no' nobody auth can-i get /metrics
fails '^no' nobody auth can-i list pods --all-namespaces
fails 'cannot list resource "pods" in API group "" at the cluster scope' nobody get pods --all-namespaces

# Nobody gives away what they do not have.
like 'created$' kubectl create role grants -n team --verb=create,get,update,patch \
    --resource=roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io
like 'created$' kubectl create rolebinding grants --role=grants --user=erin -n team
like 'created$' erin create role readers --verb=get --resource=configmaps -n team
fails '"erin" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held' \
    erin create role nodes --verb=get --resource=nodes -n team
fails 'APIGroups:\[""\], Resources:\["nodes"\], Verbs:\["get"\]' erin create role nodes --verb=get --resource=nodes -n team
like 'created$' erin create rolebinding readers --role=readers --user=nobody -n team
fails 'attempting to grant RBAC permissions not currently held' \
    erin create rolebinding all --clusterrole=cluster-admin --user=nobody -n team
fails 'clusterroles.rbac.authorization.k8s.io "none" not found' \
    erin create rolebinding none --clusterrole=none --user=nobody -n team
same yes nobody auth can-i get configmap/draft -n team

cat >"$WORK/roles.yaml" <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: readers, namespace: team}
rules:
- {apiGroups: [""], resources: [configmaps, secrets], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:aggregate-to-view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: nobody}
YAML
like 'role.rbac.authorization.k8s.io/readers reconciled' kubectl auth reconcile -f "$WORK/roles.yaml"
same yes nobody auth can-i list configmaps -n team

# What is taken away no longer works.
like 'deleted' kubectl delete rolebinding erin-system:aggregate-to-edit -n team
fails 'cannot create resource "configmaps"' erin create configmap other -n team
fails '^no' erin auth can-i create configmaps -n team
like 'deleted' kubectl delete namespace team --wait=false
