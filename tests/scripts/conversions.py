#!/usr/bin/env python3
"""Objects of a definition whose versions a webhook converts, over TLS, with kubectl.

conversions.py BIN [KUBECTL]: starts a server, and beside it a converter of its own. All keys are made by openssl. The
server is killed and started again on its data. The last line has the counts.
"""
import http.server, json, ssl, sys, threading, time

import party
from party import authority, authority_bundle, certificate, check, eventually, free_port, path

BIN, KUBECTL = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
LINKS = "/apis/example.com/{}/namespaces/default/links"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
is_dead, reviews = False, []


def new_authority(name, serves=False):
    """An authority, as base64 of PEM, and a TLS context with a certificate that it has issued, or its own."""
    authority(name, "IP:127.0.0.1" if serves else "")
    shown = name if serves else f"{name}-server"
    if not serves:
        certificate(shown, "/CN=server", name, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(f"{shown}.crt"), path(f"{shown}.key"))
    return authority_bundle(name), context


def converted(value, version):
    value = json.loads(json.dumps(value))
    value["apiVersion"], spec = version, value["spec"]
    if version.endswith("/v2"):
        spec["host"], _, spec["port"] = spec.pop("hostPort").partition(":")
    else:
        spec["hostPort"] = spec.pop("host") + ":" + spec.pop("port")
    return value


class Converter(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = review.pop("request")
        reviews.append(len(asked["objects"]))
        objects = [converted(value, asked["desiredAPIVersion"]) for value in asked["objects"]]
        review["response"] = {"uid": asked["uid"], "convertedObjects": objects, "result": {"status": "Success"}}
        body = json.dumps(review).encode()
        self.send_response(500 if is_dead else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve_converter(context):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Converter)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://127.0.0.1:{server.server_address[1]}/convert"


def version(name, fields, is_stored):
    properties = {field: {"type": "string"} for field in fields}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    column = {"name": fields[0], "type": "string", "jsonPath": f".spec.{fields[0]}"}
    return {"name": name, "served": True, "storage": is_stored, "schema": {"openAPIV3Schema": schema},
            "additionalPrinterColumns": [column]}


def definition(stored, url, bundle):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "links.example.com"}, "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"plural": "links", "singular": "link", "kind": "Link", "listKind": "LinkList"},
                "versions": [version("v1", ["hostPort"], stored == "v1"),
                             version("v2", ["host", "port"], stored == "v2")],
                "conversion": {"strategy": "Webhook", "webhook": {
                    "clientConfig": {"url": url, "caBundle": bundle}, "conversionReviewVersions": ["v1"]}}}}


def link(name, host):
    return {"apiVersion": "example.com/v1", "kind": "Link", "metadata": {"name": name}, "spec": {"hostPort": host}}


class Watch(threading.Thread):
    """The events of a version from a revision on."""

    def __init__(self, name, since):
        super().__init__(daemon=True)
        self.target = f"{LINKS.format(name)}?watch=true&resourceVersion={since}&timeoutSeconds=60"
        self.told = []
        self.start()

    def run(self):
        held = server.connection(70)
        held.request("GET", self.target, None, {"Authorization": "Bearer secret"})
        answer = held.getresponse()
        while line := answer.readline():
            event = json.loads(line)
            spec = event["object"].get("spec", {})
            self.told.append((event["type"], spec.get("hostPort", spec.get("host"))))


bundle, context = new_authority("converter")
url = serve_converter(context)
server = party.Server(BIN, KUBECTL)
ask, kubectl = server.ask, server.kubectl
check("definition", ask("POST", DEFINITIONS, definition("v2", url, bundle))[0], 201)
eventually("it is served", lambda: ask("GET", LINKS.format("v1"), raw=True)[0], 200)
since = ask("GET", LINKS.format("v2"))[1]["metadata"]["resourceVersion"]
watches = {name: Watch(name, since) for name in ("v1", "v2")}

made = ask("POST", LINKS.format("v1"), link("a", "x:1"))
check("create", (made[0], made[1].get("spec")), (201, {"hostPort": "x:1"}))
seen = ask("GET", LINKS.format("v2") + "/a")[1]
check("the other version", seen["spec"], {"host": "x", "port": "1"})
patched = ask("PATCH", LINKS.format("v1") + "/a", {"spec": {"hostPort": "y:2"}}, "application/merge-patch+json")
check("patch", (patched[0], patched[1]["spec"]), (200, {"hostPort": "y:2"}))
eventually("events of v1", lambda: watches["v1"].told, [("ADDED", "x:1"), ("MODIFIED", "y:2")])
eventually("events of v2", lambda: watches["v2"].told, [("ADDED", "x"), ("MODIFIED", "y")])

if KUBECTL:
    applied = kubectl("apply", "--server-side", "-f", "-", data=json.dumps(link("k", "k:1")))
    check("kubectl apply", applied, "link.example.com/k serverside-applied")
    check("kubectl get of v1", kubectl("get", "links.v1.example.com", "k", "--no-headers"), "k     k:1")
    check("kubectl get of v2", kubectl("get", "links.v2.example.com", "k", "--no-headers"), "k     k")
    text = kubectl("get", "links.v1.example.com", "-o", "jsonpath={.items[*].spec.hostPort}")
    check("kubectl list", text, "y:2 k:1")
    waited = kubectl("wait", "links.v1.example.com/k", "--for=jsonpath={.spec.hostPort}=k:1", "--timeout=10s")
    check("kubectl wait", waited, "link.example.com/k condition met")
    gone = kubectl("delete", "links.v1.example.com", "k")
    check("kubectl delete", gone.startswith('link.example.com "k" deleted'), True)

server.process.kill()
server.process.wait()
server.start()
eventually("it is served again", lambda: ask("GET", LINKS.format("v1"), raw=True)[0], 200)
check("after a kill", ask("GET", LINKS.format("v1") + "/a")[1]["spec"], {"hostPort": "y:2"})

# A converter that fails is told in upstream's words, and the stored version is served.
since = ask("GET", LINKS.format("v2"))[1]["metadata"]["resourceVersion"]
watches = {name: Watch(name, since) for name in ("v1", "v2")}
time.sleep(0.5)
is_dead = True
refused = ask("POST", LINKS.format("v1"), link("b", "z:1"))
check("create with a dead converter", refused[0], 500)
check("its sentence", refused[1]["message"].split(" failed: ")[0], "conversion webhook for example.com/v1, Kind=Link")
stored = ask("POST", LINKS.format("v2"), converted(link("c", "z:1"), "example.com/v2"))
check("the stored version lives", stored[0], 201)
eventually("its watch lives", lambda: watches["v2"].told, [("ADDED", "z")])
eventually("the other watch ends", lambda: watches["v1"].told, [("ERROR", None)])
is_dead = False

# Another authority: its converter is trusted when the definition names it.
other_bundle, context = new_authority("other")
other_url = serve_converter(context)
config = {"spec": {"conversion": {"webhook": {"clientConfig": {"url": other_url}}}}}
ask("PATCH", f"{DEFINITIONS}/links.example.com", config, "application/merge-patch+json")
eventually("a converter of another authority", lambda: ask("GET", LINKS.format("v1") + "/c")[0], 500)
config["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = other_bundle
ask("PATCH", f"{DEFINITIONS}/links.example.com", config, "application/merge-patch+json")
eventually("it is named", lambda: ask("GET", LINKS.format("v1") + "/c")[0], 200)

# A converter whose certificate is itself an authority's, which signs itself.
own_bundle, context = new_authority("own", serves=True)
other_url = serve_converter(context)
config["spec"]["conversion"]["webhook"]["clientConfig"]["url"] = other_url
ask("PATCH", f"{DEFINITIONS}/links.example.com", config, "application/merge-patch+json")
eventually("a converter that signs itself", lambda: ask("GET", LINKS.format("v1") + "/c")[1].get("message", "").split(": ")[-1],
           "certificate signed by unknown authority")
config["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = other_bundle = own_bundle
ask("PATCH", f"{DEFINITIONS}/links.example.com", config, "application/merge-patch+json")
eventually("it is named, too", lambda: ask("GET", LINKS.format("v1") + "/c")[0], 200)

# The stored version changes: what was stored before is converted.
versions = definition("v1", other_url, other_bundle)["spec"]["versions"]
ask("PATCH", f"{DEFINITIONS}/links.example.com", {"spec": {"versions": versions}}, "application/merge-patch+json")
eventually("the list of the version that is stored now", lambda: [
    item["spec"].get("hostPort") for item in ask("GET", LINKS.format("v1"))[1].get("items", [])], ["y:2", "z:1"])
held = ask("GET", f"{DEFINITIONS}/links.example.com")[1]
check("storedVersions", held["status"]["storedVersions"], ["v2", "v1"])
check("reviews were asked for", len(reviews) > 5, True)

server.stop()
party.finish("conversions")
