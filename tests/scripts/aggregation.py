#!/usr/bin/env python3
"""A group that an extension server serves, with kubectl: found, used, explained, unavailable, and gone.

aggregation.py BIN KUBECTL: starts a server, and beside it an extension server of its own (extension_party.py), whose
certificate is itself an authority's. All keys are made by openssl. The last line has the counts.
"""
import http.client, json, ssl, subprocess, sys, time

import extension_party, party
from extension_party import GROUP, META, NAME, ROOT, VERSION
from party import authority, certificate, check, eventually, own_address, path

BIN, KUBECTL = sys.argv[1], sys.argv[2]
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
API = f"{VERSION}.{GROUP}"

address = own_address()
for name in ("clients", "proxies"):
    authority(name)
certificate("proxy", "/CN=front-proxy", "proxies")
certificate("stranger", "/CN=front-proxy", "clients")
certificate("nobody", "/CN=nobody", "proxies")
authority("extension", "DNS:extension.default.svc")
authority("other", "DNS:extension.default.svc")
server = party.Server(
    BIN, KUBECTL, "--authorization-mode=RBAC", "--enable-aggregator-routing=true",
    f"--client-ca-file={path('clients.crt')}", f"--requestheader-client-ca-file={path('proxies.crt')}",
    "--requestheader-allowed-names=front-proxy", "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    f"--proxy-client-cert-file={path('proxy.crt')}", f"--proxy-client-key-file={path('proxy.key')}")
ask, kubectl = server.ask, server.kubectl

status, published = ask("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
check("what extension servers trust is published", (status, "requestheader-client-ca-file" in published.get("data", {})),
      (200, True))
extension = extension_party.Extension("0.0.0.0", path("extension.crt"), path("extension.key"), published["data"])
extension.start()


def directly(client):
    """What the extension server says to a client that is not the aggregating server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client:
        context.load_cert_chain(path(f"{client}.crt"), path(f"{client}.key"))
    try:
        held = http.client.HTTPSConnection("127.0.0.1", extension.port, context=context, timeout=20)
        held.request("GET", f"{ROOT}/apples", headers={"X-Remote-User": "eve"})
        return held.getresponse().status
    except OSError:
        return "refused"


for client, expected in [(None, 401), ("stranger", "refused"), ("nobody", 401), ("proxy", 200)]:
    check(f"the extension server and {client}", directly(client), expected)


def condition():
    held = ask("GET", f"{SERVICES}/{API}")[1].get("status", {}).get("conditions", [{}])[0]
    return held.get("status"), held.get("reason")


def message():
    return ask("GET", f"{SERVICES}/{API}")[1]["status"]["conditions"][0]["message"]


def metric(name):
    lines = ask("GET", "/metrics", raw=True, accept="text/plain")[1].splitlines()
    return {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines if line.startswith(name + "{")}


def apply(value):
    return kubectl("apply", "--server-side", "-f", "-", data=json.dumps(value))


SLICE = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "extension-1", "namespace": "default",
                      "labels": {"kubernetes.io/service-name": "extension"}},
         "endpoints": [{"addresses": [address]}],
         "ports": [{"name": "https", "port": extension.port, "protocol": "TCP"}]}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "extension", "namespace": "default"},
           "spec": {"ports": [{"name": "https", "port": 443}]}}


def api_service(authorities):
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": API}, "spec": {
        "group": GROUP, "version": VERSION, "groupPriorityMinimum": 1000, "versionPriority": 15,
        "caBundle": party.authority_bundle(authorities), "service": {"namespace": "default", "name": "extension"}}}


check("kubectl apply", apply(api_service("extension")), f"apiservice.apiregistration.k8s.io/{API} serverside-applied")
eventually("without a service", condition, ("False", "ServiceNotFound"))
apply(SERVICE)
eventually("without endpoints", condition, ("False", "EndpointsNotFound"))
apply({**SLICE, "endpoints": []})
eventually("with none that is ready", condition, ("False", "MissingEndpoints"))
apply(SLICE)
eventually("it is available", condition, ("True", "Passed"), 30)
waited = kubectl("wait", f"apiservice/{API}", "--for=condition=Available", "--timeout=10s")
check("kubectl wait", waited, f"apiservice.apiregistration.k8s.io/{API} condition met")

# What clients find out.
eventually("kubectl api-resources", lambda: kubectl("api-resources", f"--api-group={GROUP}", "--no-headers").split(),
           ["apples", "ap", f"{GROUP}/{VERSION}", "true", "Apple"], 40)
groups = [group["name"] for group in ask("GET", "/apis")[1]["groups"]]
check("its group is listed", groups.count(GROUP), 1)
accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
found = [item for item in ask("GET", "/apis", accept=accept)[1]["items"] if item["metadata"]["name"] == GROUP]
check("its aggregated entry", [(held["version"], held["freshness"], held["resources"][0]["resource"])
                               for item in found for held in item["versions"]], [(VERSION, "Current", "apples")])
explained = kubectl("explain", "apples.spec")
check("kubectl explain", ("What it is like." in explained, "Its color, when it is ripe." in explained), (True, True))


def openapi():
    """The shared document: the extension's operation, its types, and what they refer to."""
    document = ask("GET", "/openapi/v2")[1]
    paths = [where for where in document["paths"] if "example.com" in where]
    kept = sorted(name for name in document["definitions"] if name.startswith("com.example."))
    refers = document["definitions"].get(NAME, {}).get("properties", {}).get("metadata", {}).get("$ref")
    return paths, kept, refers, document["definitions"].get(META + "_v2", {}).get("description")


eventually("it is in the shared document", openapi, (
    [f"{ROOT}/namespaces/{{namespace}}/apples/{{name}}"], ["com.example.fruit.v1.Apple", "com.example.fruit.v1.Unused"],
    f"#/definitions/{META}_v2", "An extension's own."), 90)
explained = kubectl("explain", "apples.spec.color", "--output=plaintext-openapiv2")
check("kubectl explain by it", "Its color, when it is ripe." in explained, True)

# What clients do.
apple = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Apple", "metadata": {"name": "a"}, "spec": {"color": "red"}}
watching = subprocess.Popen(server.kubectl_command("get", "apples", "--watch-only", "-o", "name"),
                            stdout=subprocess.PIPE, text=True)
eventually("a watch is passed on", lambda: len(extension.watchers), 1)
check("kubectl create", kubectl("create", "-f", "-", data=json.dumps(apple)), f"apple.{GROUP}/a created")
check("an event arrives at once", watching.stdout.readline().strip(), f"apple.{GROUP}/a")
watching.kill()
check("kubectl get", kubectl("get", "ap", "-o", "jsonpath={.items[*].spec.color}"), "red")
check("kubectl get of a name", kubectl("get", "apples/a", "--no-headers").split()[0], "a")
check("who asks is told", extension.callers[-1][2], ("admin", ["system:masters", "system:authenticated"]))
check("kubectl get of none", kubectl("get", "apples/b"), f'Error from server (NotFound): apples.{GROUP} "b" not found')
asked = len(extension.callers)
refused = kubectl("get", "apples", "--as=alice")
check("who may not", refused, f'Error from server (Forbidden): apples.{GROUP} is forbidden: User "alice" cannot list '
      f'resource "apples" in API group "{GROUP}" in the namespace "default"')
check("the extension server is not asked", len(extension.callers), asked)
kubectl("create", "clusterrole", "eaters", "--verb=get,list", f"--resource=apples.{GROUP}")
kubectl("create", "clusterrolebinding", "eaters", "--clusterrole=eaters", "--user=alice")
eventually("who may, then", lambda: kubectl("get", "apples", "--as=alice", "-o", "name"), f"apple.{GROUP}/a")
check("as whom", extension.callers[-1][2], ("alice", ["system:authenticated"]))
check("kubectl delete", kubectl("delete", "apples/a").startswith(f'apple.{GROUP} "a" deleted'), True)


# The extension server dies: its group is unavailable, and nothing else is slow or fails.
def quick():
    """What else there is, and whether that took long."""
    begun = time.monotonic()
    told = [ask("GET", where)[0] for where in ("/api/v1/namespaces", "/apis/apps/v1", "/apis", "/openapi/v2")]
    told.append(ask("GET", "/readyz", raw=True)[0])
    took = time.monotonic() - begun
    return told if took < 5 else f"{told} after {took:.1f} s"


check("it was available", metric("aggregator_unavailable_apiservice"),
      {f'aggregator_unavailable_apiservice{{name="{API}"}}': "0"})
extension.stop()
eventually("it dies", condition, ("False", "FailedDiscoveryCheck"), 60)
check("the reason", message().endswith(f"dial tcp {address}:{extension.port}: connect: connection refused"), True)
check("its resources", ask("GET", f"{ROOT}/apples", raw=True), (503, "service unavailable\n"))
check("kubectl says", "the server is currently unable to handle the request" in kubectl("get", "apples"), True)
check("everything else", quick(), [200] * 5)
check("it is unavailable", metric("aggregator_unavailable_apiservice"),
      {f'aggregator_unavailable_apiservice{{name="{API}"}}': "1"})
check("and once for this reason", metric("aggregator_unavailable_apiservice_total"),
      {f'aggregator_unavailable_apiservice_total{{name="{API}",reason="FailedDiscoveryCheck"}}': "1"})
extension.start()
eventually("it lives again", condition, ("True", "Passed"), 60)
check("and serves", ask("GET", f"{ROOT}/apples")[0], 200)

# Another authority than that of its certificate.
apply(api_service("other"))
eventually("it is not believed", condition, ("False", "FailedDiscoveryCheck"), 60)
check("why", "tls: failed to verify certificate: x509: certificate signed by unknown authority" in message(), True)
apply(api_service("extension"))
eventually("it is believed again", condition, ("True", "Passed"), 60)

check("kubectl delete of the API service", kubectl("delete", f"apiservice/{API}").startswith(
    f'apiservice.apiregistration.k8s.io "{API}" deleted'), True)
eventually("its resources are gone", lambda: ask("GET", f"{ROOT}/apples", raw=True)[0], 404)
eventually("so is its group", lambda: [
    group["name"] for group in ask("GET", "/apis")[1]["groups"]].count(GROUP), 0)
eventually("and its part of the document", lambda: openapi()[:2], ([], []))
extension.stop()
server.stop()
party.finish("aggregation")
