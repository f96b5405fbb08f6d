#!/usr/bin/env python3
"""Who makes a request, and what they may, as other parties say it: an issuer of tokens, a webhook, a front proxy.

federation.py BIN [KUBECTL]: starts a server, and beside it an issuer and a webhook of its own, over TLS. All keys are
made by openssl. The last line has the counts.
"""
import base64, json, ssl, subprocess, sys, threading, time
import http.client, http.server

import party
from party import authority, certificate, check, free_port, openssl, path, write

BIN, KUBECTL = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def json_web_key(name):
    modulus = openssl("rsa", "-in", path(f"{name}.key"), "-noout", "-modulus").decode().strip().split("=")[1]
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": url64(bytes.fromhex(modulus)), "e": "AQAB"}


def token(key="one", alg="RS256", **changes):
    now = int(time.time())
    claims = {"iss": issuer_url, "sub": "jane", "aud": ["kube"], "groups": ["devs"], "exp": now + 600, "jti": "7"}
    claims.update(changes)
    claims = {name: value for name, value in claims.items() if value is not None}
    parts = [url64(json.dumps(part).encode()) for part in ({"alg": alg, "kid": key}, claims)]
    text = ".".join(parts)
    signature = b"" if alg == "none" else openssl("dgst", "-sha256", "-sign", path(f"{key}.key"), data=text.encode())
    return f"{text}.{url64(signature)}"


keys, asked, webhook_fails, told_groups = [], [], False, ""


class Others(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/.well-known/openid-configuration":
            return self.answer({"issuer": issuer_url, "jwks_uri": f"{issuer_url}/keys"})
        if self.path == "/teller/.well-known/openid-configuration":
            return self.answer({"issuer": f"{issuer_url}/teller", "jwks_uri": f"{issuer_url}/teller/keys"})
        if self.path == "/teller/keys":
            return self.answer({"keys": [json_web_key("three")]})
        if self.path == "/groups-of/jane" and self.headers["Authorization"] == "Bearer let-me":
            body = told_groups.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return self.wfile.write(body)
        self.answer({"keys": [json_web_key(name) for name in keys]}) if self.path == "/keys" else self.answer({}, 404)

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spec = review["spec"]
        asked.append((self.path, spec))
        if webhook_fails:
            return self.answer({}, 403)
        if review["kind"] == "TokenReview":
            known = spec["token"] == "known-elsewhere"
            review["status"] = {"authenticated": known, "user": {"username": "max", "groups": ["ops"]} if known else {}}
        else:
            may = spec["user"] == "oidc:jane" and spec.get("resourceAttributes", {}).get("resource") == "configmaps"
            review["status"] = {"allowed": may, "reason": "" if may else "the webhook says no"}
        self.answer(review)


for name in ("clients", "proxies", "others"):
    authority(name)
certificate("others-server", "/CN=others", "others", "IP:127.0.0.1")
certificate("proxy", "/CN=front-proxy", "proxies")
certificate("fake-proxy", "/CN=front-proxy", "clients")
certificate("admin", "/O=system:masters/CN=admin", "clients")
for name in ("one", "two", "three"):
    openssl("genrsa", "-out", path(f"{name}.key"), "2048")
keys.append("one")

others_port, port = free_port(), free_port()
issuer_url = f"https://127.0.0.1:{others_port}"
others = http.server.ThreadingHTTPServer(("127.0.0.1", others_port), Others)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("others-server.crt"), path("others-server.key"))
others.socket = context.wrap_socket(others.socket, server_side=True)
threading.Thread(target=others.serve_forever, daemon=True).start()


def kubeconfig(name, where):
    return write(name, json.dumps({
        "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "o", "user": "s"}}],
        "clusters": [{"name": "o", "cluster": {"server": issuer_url + where,
                                               "certificate-authority": path("others.crt")}}],
        "users": [{"name": "s", "user": {}}]}))


def authorizers(*more):
    webhook = {"timeout": "3s", "subjectAccessReviewVersion": "v1", "failurePolicy": "Deny", "unauthorizedTTL": "1s",
               "cacheUnauthorizedRequests": False,
               "connectionInfo": {"type": "KubeConfigFile",
                                  "kubeConfigFile": kubeconfig("authorize.conf", "/authorize")}}
    listed = [{"type": "Webhook", "name": "hook", "webhook": webhook}, *more,
              {"type": "AlwaysDeny", "name": "alwaysdeny"}]
    write("authorizers.yaml", json.dumps({"apiVersion": "apiserver.config.k8s.io/v1",
                                          "kind": "AuthorizationConfiguration", "authorizers": listed}))


authorizers()
pem = open(path("others.crt")).read()
write("issuers.yaml", json.dumps({
    "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]},
    "jwt": [{"issuer": {"url": issuer_url, "audiences": ["kube"], "certificateAuthority": pem},
             "claimValidationRules": [],
             "claimMappings": {"username": {"claim": "sub", "prefix": "oidc:"},
                               "groups": {"claim": "groups", "prefix": "oidc:"}, "uid": {"claim": ""}}}]}))
write("passwords.csv", 'secret,carol,7,"readers"\n')
log = open(path("log"), "w")
server = subprocess.Popen(
    [BIN, "serve", f"--data-dir={path('data')}", "--storage=memory", f"--secure-port={port}",
     "--bind-address=127.0.0.1",
     "--disable-admission-plugins=ServiceAccount", f"--client-ca-file={path('clients.crt')}",
     f"--authentication-config={path('issuers.yaml')}", f"--authorization-config={path('authorizers.yaml')}",
     f"--authentication-token-webhook-config-file={kubeconfig('review.conf', '/review')}",
     "--authentication-token-webhook-version=v1", f"--basic-auth-file={path('passwords.csv')}",
     f"--requestheader-client-ca-file={path('proxies.crt')}", "--requestheader-allowed-names=front-proxy",
     "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
     "--requestheader-extra-headers-prefix=X-Remote-Extra-"], stdout=log, stderr=log)


def ask(where, headers=(), client=None):
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    if client:
        trusting.load_cert_chain(path(f"{client}.crt"), path(f"{client}.key"))
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusting, timeout=20)
    connection.request("GET", where, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read().decode()
    return answer.status, json.loads(body) if body.startswith("{") else body


def last_review():
    """What the webhook was asked last about what somebody may."""
    found = [spec for where, spec in asked if where.startswith("/authorize")]
    return found[-1] if found else {"groups": None, "extra": None}


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


MAPS, PODS = "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods"
try:
    for _ in range(300):
        if server.poll() is not None:
            sys.exit(open(path("log")).read())
        try:
            if ask("/readyz", client="admin")[0] == 200:
                break
        except OSError:
            pass
        time.sleep(0.1)

    check("a token of the issuer", ask(MAPS, bearer(token()))[0], 200)
    status, body = ask(PODS, bearer(token()))
    body = body if isinstance(body, dict) else {"message": body}
    check("what the webhook does not allow", status, 403)
    check("its reason", body.get("message", "").endswith(
        'User "oidc:jane" cannot list resource "pods" in API group "" in the namespace "default": the webhook says no\n'
        'Everything is forbidden.'), True)
    spec = last_review()
    check("groups", spec["groups"], ["oidc:devs", "system:authenticated"])
    check("the credential's id", spec["extra"], {"authentication.kubernetes.io/credential-id": ["JTI=7"]})
    now = int(time.time())
    for what, bad in [
        ("an expired token", token(exp=now - 60)), ("another audience", token(aud="other")),
        ("no algorithm", token(alg="none")), ("an unknown key", token(key="two")),
        ("another issuer", token(iss="https://127.0.0.1:1")), ("not yet valid", token(nbf=now + 3600)),
        ("a changed token", token()[:-6] + "AAAAAA"), ("no user", token(sub=None)),
        ("a user that is no text", token(sub=7)), ("no end", token(exp=None)), ("no token", "x.y.z")]:
        check(what, ask(MAPS, bearer(bad))[0], 401)
    keys.append("two")
    time.sleep(1.1)
    check("a token of a new key", ask(MAPS, bearer(token(key="two")))[0], 200)

    def distributed(source):
        return token(groups=None, _claim_names={"groups": "s"}, _claim_sources={"s": source})

    endpoint = {"endpoint": f"{issuer_url}/groups-of/jane", "access_token": "let-me"}
    told_groups = token(key="three", iss=f"{issuer_url}/teller", groups=["ops", "devs"])
    check("a token whose groups another server tells", ask(MAPS, bearer(distributed(endpoint)))[0], 200)
    check("groups that another server tells", last_review()["groups"],
          ["oidc:ops", "oidc:devs", "system:authenticated"])
    told_groups = token(key="two", iss=f"{issuer_url}/teller", groups=["ops"])
    time.sleep(1.1)
    check("groups by a key that is not the teller's", ask(MAPS, bearer(distributed(endpoint)))[0], 401)
    check("groups that are not told", ask(MAPS, bearer(distributed({"endpoint": issuer_url})))[0], 401)

    check("a token that the webhook knows", ask(PODS, bearer("known-elsewhere"))[1]["message"].count('User "max"'), 1)
    before = len([1 for where, _ in asked if where.startswith("/review")])
    ask(PODS, bearer("known-elsewhere"))
    check("it is remembered", len([1 for where, _ in asked if where.startswith("/review")]), before)
    check("a token that nobody knows", ask(PODS, bearer("unknown"))[0], 401)
    basic = base64.b64encode(b"carol:secret").decode()
    check("a password", ask(PODS, {"Authorization": f"Basic {basic}"})[1]["message"].count('User "carol"'), 1)
    wrong = base64.b64encode(b"carol:wrong").decode()
    check("a wrong password", ask(PODS, {"Authorization": f"Basic {wrong}"})[0], 401)
    proxied = {"X-Remote-User": "eve", "X-Remote-Group": "staff", "X-Remote-Extra-Scopes%2fa": "x"}
    check("a front proxy's user", ask(PODS, proxied, "proxy")[1]["message"].count('User "eve"'), 1)
    spec = last_review()
    check("its groups and facts", (spec["groups"], spec["extra"]),
          (["staff", "system:authenticated"], {"scopes/a": ["x"]}))
    message = ask(PODS, proxied, "fake-proxy")[1]["message"]
    check("headers of a client of another authority", message.count('User "front-proxy"'), 1)
    check("headers without a certificate", ask(PODS, proxied)[0], 401)
    check("a path for everybody", ask("/livez")[0] in (200, 403), True)
    check("another path", ask("/version")[0], 401)

    webhook_fails = True
    check("a webhook that fails", ask(MAPS + "/x", bearer(token()))[0], 500)
    webhook_fails = False
    authorizers({"type": "AlwaysAllow", "name": "alwaysallow"})
    for _ in range(50):
        status = ask(PODS, bearer(token()))[0]
        if status == 200:
            break
        time.sleep(0.1)
    check("authorizers of a changed file", status, 200)
    write("authorizers.yaml", "{}")
    time.sleep(2)
    check("authorizers after a file that is not valid", ask(PODS, bearer(token()))[0], 200)
    if KUBECTL:
        run = subprocess.run([KUBECTL, "--kubeconfig=/dev/null", f"--server=https://127.0.0.1:{port}",
                              "--insecure-skip-tls-verify", f"--token={token()}", "auth", "whoami", "-o", "json"],
                             capture_output=True, text=True)
        found = json.loads(run.stdout)["status"]["userInfo"]["username"] if run.returncode == 0 else run.stderr
        check("kubectl as a user of the issuer", found, "oidc:jane")
finally:
    server.terminate()
    server.wait(30)
party.finish("federation")
