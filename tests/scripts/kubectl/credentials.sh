# Tokens of service accounts, and certificates that somebody asks for and somebody else approves.

# The claims of a token, as JSON.
claims() {
    python3 -c 'import base64, sys; part = sys.argv[1].split(".")[1]; print(base64.urlsafe_b64decode(part + "===").decode())' "$1"
}

like 'serviceaccount/signer created' kubectl create serviceaccount signer
token=$(kubectl create token signer --duration=20m --audience=here || true)
like '"aud":\["here"\]' claims "$token"
like '"sub":"system:serviceaccount:shop:signer"' claims "$token"
like '"kubernetes.io":\{"namespace":"shop",' claims "$token"
fails 'spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes' \
    kubectl create token signer --duration=1m
fails 'serviceaccounts "nobody" not found' kubectl create token nobody
same 'secret/bound created' kubectl create secret generic bound --from-literal=a=b
like '"secret":\{"name":"bound"' claims "$(kubectl create token signer --bound-object-kind=Secret --bound-object-name=bound)"

openssl req -new -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -subj '/O=system:nodes/CN=system:node:a' -out "$WORK/request.pem" 2>"$WORK/quiet"
request() {
    cat <<YAML
{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"$1"},
 "spec":{"request":"$(base64 -w0 <"$WORK/request.pem")","signerName":"example.com/signer","usages":["client auth"]}}
YAML
}
for name in good bad; do
    like 'created$' kubectl create -f - <<<"$(request $name)"
done
like '^good .*example.com/signer.*Pending$' kubectl get csr
like 'good approved$' kubectl certificate approve good
like 'bad denied$' kubectl certificate deny bad
like '^good .*Approved$' kubectl get csr
like '^bad .*Denied$' kubectl get csr
fails 'already Denied' kubectl certificate approve bad
fails 'spec.request: Invalid value' kubectl create -f - <<<'{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"x"},"spec":{"request":"AAAA","signerName":"example.com/signer","usages":["client auth"]}}'
