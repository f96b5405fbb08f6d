#!/usr/bin/env bash
# usage: backup.sh BIN
#
# A backup of a server that is written to, a restore of it, and a server that goes on from there: nothing that was
# stored before the backup is missing, revisions go forward, and credentials are good. A damaged backup is refused.
set -euo pipefail
source "$(dirname "$0")/server.sh"
source "$SCRIPTS/check.sh"

binary=$1
curl_json() { curl -s --cacert "$DATA/pki/apiserver.crt" --cert "$WORK/client.crt" --key "$WORK/client.key" "$@"; }
status_of() { curl_json -o /dev/null -w '%{http_code}' "$SERVER_URL/api/v1/namespaces/default/$1"; }
revision() {
    curl_json "$SERVER_URL/api/v1/configmaps?limit=1" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["metadata"]["resourceVersion"])'
}
credentials() {
    python3 - "$DATA/admin.kubeconfig" "$WORK" <<'P'
import base64, re, sys
text = open(sys.argv[1]).read()
for name, key in (("client.crt", "client-certificate-data"), ("client.key", "client-key-data")):
    with open(f"{sys.argv[2]}/{name}", "wb") as file:
        file.write(base64.b64decode(re.search(key + r": *\"?([A-Za-z0-9+/=]+)", text).group(1)))
P
}
create() {
    curl_json -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
        "$SERVER_URL/api/v1/namespaces/default/configmaps" \
        -d "{\"metadata\":{\"name\":\"$1\"},\"data\":{\"round\":\"$1\"}}"
}

start_server "$binary" embedded
credentials
for number in $(seq 50); do same 201 create "before-$number"; done
(for number in $(seq 200); do create "during-$number" >/dev/null || true; done) &
writer=$!
like '^backed up to .*: revision [0-9]+, [0-9]+ keys' "$binary" store backup --data-dir="$DATA" "$WORK/backup"
wait "$writer"
same 201 create after
before=$(revision)
fails 'is there already' "$binary" store backup --data-dir="$DATA" "$WORK/backup"
like '^revision [0-9]+, [0-9]+ keys' "$binary" store check --data-dir="$DATA"
end_server KILL

like '^revision [0-9]+, [0-9]+ keys' "$binary" store check --data-dir="$DATA"
stored() { "$binary" store dump --data-dir="$WORK/backup" --prefix=/registry/configmaps/default/before- --keys-only | wc -l; }
same 50 stored

mv "$DATA" "$WORK/lost"
like '^restored to' "$binary" store restore --data-dir="$DATA" "$WORK/backup"
start_server "$binary" embedded
credentials
same 200 status_of configmaps/before-50
goes_forward() { [ "$(revision)" -gt "$before" ]; }
same '' goes_forward
same 201 create again
# A client that goes on from a revision that is lost has to list again.
like '"code":410' curl_json -m 5 "$SERVER_URL/api/v1/configmaps?watch=1&timeoutSeconds=1&resourceVersion=$before"
end_server TERM

python3 - "$WORK"/backup/store/snapshot-* <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(200)
    byte = file.read(1)
    file.seek(200)
    file.write(bytes([byte[0] ^ 1]))
P
fails 'is damaged at byte' "$binary" store restore --data-dir="$WORK/again" "$WORK/backup"
left() { find "$WORK" -maxdepth 1 -name 'again*'; }
same '' left
done_checking backup
