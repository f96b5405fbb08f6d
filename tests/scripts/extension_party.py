"""An extension server, which serves a group of an aggregated API: it believes what a front proxy says of its callers, if
the proxy shows a certificate of the authority that the cluster publishes for that, and nobody else.

Kubernetes: staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest, staging/src/k8s.io/sample-apiserver
"""
import http.server, json, queue, socket, ssl, threading

GROUP, VERSION = "fruit.example.com", "v1"
ROOT = f"/apis/{GROUP}/{VERSION}"
KIND = {"group": GROUP, "version": VERSION, "kind": "Apple"}
VERBS = ["create", "delete", "get", "list", "watch"]
NAME = "com.example.fruit.v1.Apple"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

RESOURCES = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": [
    {"name": "apples", "singularName": "apple", "namespaced": True, "kind": "Apple", "verbs": VERBS,
     "shortNames": ["ap"]}]}
VERSIONS = [{"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}]
GROUP_DOCUMENT = {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": VERSIONS,
                  "preferredVersion": VERSIONS[0]}
DISCOVERY = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": [
    {"metadata": {"name": GROUP}, "versions": [{"version": VERSION, "freshness": "Current", "resources": [
        {"resource": "apples", "responseKind": KIND, "scope": "Namespaced", "singularResource": "apple",
         "verbs": VERBS, "shortNames": ["ap"]}]}]}]}
SCHEMA = {"type": "object", "description": "Apple is a fruit.", "x-kubernetes-group-version-kind": [KIND]}


def definitions(place):
    """The types, with references to a place in the document."""
    return {
        NAME: {**SCHEMA, "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"},
            "metadata": {"$ref": place + META},
            "spec": {"type": "object", "description": "What it is like.", "properties": {
                "color": {"type": "string", "description": "Its color, when it is ripe."}}}}},
        # Not what the aggregating server knows by this name.
        META: {"type": "object", "description": "An extension's own.", "properties": {"name": {"type": "string"}}},
        "com.example.fruit.v1.Unused": {"type": "object"}, "com.example.vegetable.v1.Leek": {"type": "object"}}


def operation(method, reference):
    return {method: {"operationId": method + "Apple", "responses": {"200": {"description": "OK", **reference}},
                     "x-kubernetes-action": method, "x-kubernetes-group-version-kind": KIND}}


APPLES = f"{ROOT}/namespaces/{{namespace}}/apples/{{name}}"
OPENAPI_V2 = {
    "swagger": "2.0", "info": {"title": "fruit", "version": "v1"},
    "paths": {
        APPLES: operation("get", {"schema": {"$ref": "#/definitions/" + NAME}}),
        "/apis/vegetable.example.com/v1/leeks": operation(
            "get", {"schema": {"$ref": "#/definitions/com.example.vegetable.v1.Leek"}})},
    "definitions": definitions("#/definitions/")}
OPENAPI_V3 = {
    "openapi": "3.0.0", "info": {"title": "fruit", "version": "v1"},
    "paths": {APPLES: operation("get", {"content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/" + NAME}}}})},
    "components": {"schemas": definitions("#/components/schemas/")}}


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients that do not believe this server, or leave, are a part of what is tried


class Extension:
    """Listens on an address. `trusted` is what the cluster publishes for extension servers."""

    def __init__(self, address, certificate, key, trusted):
        self.address, self.files = address, (certificate, key)
        self.trusted = {name: json.loads(text) for name, text in trusted.items() if text.startswith("[")}
        self.authority = trusted["requestheader-client-ca-file"]
        self.apples, self.revision, self.watchers, self.callers, self.connections = {}, 0, [], [], set()
        self.server, self.port = None, 0

    def start(self):
        """Begins to listen; again on the same port."""
        extension = self

        class Handler(ExtensionHandler):
            owner = extension
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files)
        context.load_verify_locations(cadata=self.authority)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.server = QuietServer((self.address, self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for watcher in self.watchers:
            watcher.put(None)
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client has closed it

    def change(self, kind, apple):
        self.revision += 1
        apple["metadata"]["resourceVersion"] = str(self.revision)
        for watcher in self.watchers:
            watcher.put({"type": kind, "object": apple})


class ExtensionHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def setup(self):
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self):
        self.owner.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    def caller(self):
        """Who asks, as the front proxy says. None if nobody is believed."""
        shown = self.connection.getpeercert() or {}
        name = dict(part[0] for part in shown.get("subject", ())).get("commonName")
        trusted = self.owner.trusted
        if name is None or trusted["requestheader-allowed-names"] and name not in trusted["requestheader-allowed-names"]:
            return None
        first = [self.headers[header] for header in trusted["requestheader-username-headers"] if header in self.headers]
        groups = [value for header in trusted["requestheader-group-headers"] for value in self.headers.get_all(header, [])]
        return (first[0], groups) if first else None

    def say(self, status, value, media="application/json"):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, reason, message):
        self.say(status, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                          "message": message, "reason": reason, "code": status})

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        caller = self.caller()
        if caller is None:
            return self.fail(401, "Unauthorized", "Unauthorized")
        where, _, query = self.path.partition("?")
        if where == "/apis" and "as=APIGroupDiscoveryList" in self.headers.get("Accept", ""):
            return self.say(200, DISCOVERY, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
        documents = {
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [GROUP_DOCUMENT]},
            f"/apis/{GROUP}": GROUP_DOCUMENT, ROOT: RESOURCES, "/openapi/v2": OPENAPI_V2, f"/openapi/v3{ROOT}": OPENAPI_V3,
            "/openapi/v3": {"paths": {ROOT[1:]: {"serverRelativeURL": f"/openapi/v3{ROOT}?hash=1"}}}}
        if where in documents:
            return self.say(200, documents[where])
        self.owner.callers.append((self.command, where, caller))
        parts = where.removeprefix(ROOT + "/").split("/")
        if parts == ["apples"]:
            parts = ["namespaces", "", "apples"]
        if not where.startswith(ROOT) or parts[0] != "namespaces" or parts[2:3] != ["apples"] or len(parts) > 4:
            return self.fail(404, "NotFound", "the server could not find the requested resource")
        self.apple(parts[1], parts[3] if len(parts) == 4 else "", body, query)

    do_GET = do_POST = do_DELETE = answer

    def apple(self, namespace, name, body, query):
        held = self.owner.apples
        if name and (namespace, name) not in held:
            return self.fail(404, "NotFound", f'apples.{GROUP} "{name}" not found')
        if self.command == "POST":
            apple = json.loads(body)
            apple["metadata"]["namespace"] = namespace
            held[namespace, apple["metadata"]["name"]] = apple
            self.owner.change("ADDED", apple)
            return self.say(201, apple)
        if self.command == "DELETE":
            self.owner.change("DELETED", held.pop((namespace, name)))
            return self.say(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        if name:
            return self.say(200, held[namespace, name])
        if "watch=true" in query or "watch=1" in query:
            return self.watch()
        listed = [apple for (place, _), apple in sorted(held.items()) if namespace in ("", place)]
        self.say(200, {"kind": "AppleList", "apiVersion": f"{GROUP}/{VERSION}",
                       "metadata": {"resourceVersion": str(self.owner.revision)}, "items": listed})

    def watch(self):
        events = queue.Queue()
        self.owner.watchers.append(events)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while event := events.get():
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")
