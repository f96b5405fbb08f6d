#!/usr/bin/env python3
"""What kubectl asks of kubelets through a server: logs, exec, attach, cp, port-forward, and requests that are passed on.

kubelets.py BIN KUBECTL: starts a server, and beside it a kubelet of its own (kubelet_party.py) and an HTTP server that
stands for a pod. All keys are made by openssl. The last line has the counts.
"""
import hashlib, http.client, http.server, json, os, queue, re, subprocess, sys, threading

import kubelet_party, party
from party import authority, certificate, check, eventually, own_address, path

BIN, KUBECTL = sys.argv[1], sys.argv[2]
PODS = "/api/v1/namespaces/default/pods"
SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}


class Pod(http.server.BaseHTTPRequestHandler):
    """What a pod serves: it tells what it was asked."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = json.dumps({"method": self.command, "path": self.path, "body": body.decode(),
                           "has_credentials": "Authorization" in self.headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_PUT = do_GET


address = own_address()
for name in ("kubelets", "clients"):
    authority(name)
certificate("kubelet", "/CN=kubelet", "kubelets", f"IP:{address}")
certificate("api", "/CN=api", "clients")
kubelet = kubelet_party.Kubelet("0.0.0.0", path("kubelet.crt"), path("kubelet.key"), path("clients.crt"))
pod = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Pod)
threading.Thread(target=pod.serve_forever, daemon=True).start()
pod_port = pod.server_address[1]
server = party.Server(
    BIN, KUBECTL, "--disable-admission-plugins=ServiceAccount", "--kubelet-preferred-address-types=InternalIP",
    f"--kubelet-certificate-authority={path('kubelets.crt')}", f"--kubelet-client-certificate={path('api.crt')}",
    f"--kubelet-client-key={path('api.key')}")
ask, kubectl = server.ask, server.kubectl


def made(target, value):
    status, answer = ask("POST", target, value)
    check(f"create {target} {value['metadata']['name']}", status, 201)
    return answer


def completed(*arguments, data=None, environment=None):
    """The exit code, the standard output and the errors of kubectl."""
    done = subprocess.run(server.kubectl_command(*arguments), input=data, capture_output=True, timeout=120,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr.decode().strip()


class Lines:
    """A kubectl that goes on, and the lines that it prints."""

    def __init__(self, *arguments, environment=None, **pipes):
        self.process = subprocess.Popen(
            server.kubectl_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(environment or {})}, **pipes)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def next(self):
        try:
            return self.lines.get(timeout=20)
        except queue.Empty:
            return None

    def stop(self):
        self.process.kill()
        self.process.wait()


made("/api/v1/nodes", {"metadata": {"name": "n"}, "status": {
    "addresses": [{"type": "InternalIP", "address": address}],
    "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
    # Kubelets of 1.36 declare that they speak WebSocket themselves.
    "declaredFeatures": ["ExtendWebSocketsToKubelet"]}})
containers = [{"name": name, "image": "i"} for name in ("main", "side")]
for name in ("p", "elsewhere"):
    spec = {"nodeName": "n", "containers": containers if name == "p" else [{"name": "unknown", "image": "i"}]}
    made(PODS, {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [
        {"type": "Ready", "status": "True"}], "containerStatuses": [
            {"name": held["name"], "image": "i", "imageID": "i", "ready": True, "restartCount": 0,
             "state": {"running": {}}} for held in spec["containers"]]}
    answer = ask("PATCH", f"{PODS}/{name}/status", {"status": status}, "application/merge-patch+json")
    check(f"status of {name}", answer[0], 200)
os.mkdir(path("main"))
kubelet.add("default", "p", "main", path("main"), [
    "sh", "-c", "echo begun; while read line; do [ \"$line\" = end ] && exit; echo heard $line; done"])
kubelet.add("default", "p", "side", path("main"), ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; exec cat"])

# Logs.
eventually("the log of a container", lambda: kubectl("logs", "p", "-c", "side"), "\n".join(f"line {i}" for i in range(1, 6)))
check("the last lines", kubectl("logs", "p", "-c", "side", "--tail=2"), "line 4\nline 5")
check("some bytes", kubectl("logs", "p", "-c", "side", "--limit-bytes=9"), "line 1\nli")
stamped = kubectl("logs", "p", "-c", "side", "--tail=1", "--timestamps")
check("with times", re.fullmatch(r"20\d\d-\d\d-\d\dT[0-9:.]+Z line 5", stamped) is not None, True)
check("the first container", completed("logs", "p"), (
    0, b"begun\n", "Defaulted container \"main\" out of: main, side"))
check("a log that is not there", completed("logs", "p", "-c", "side", "--previous"), (
    1, b"", 'Error from server (BadRequest): previous terminated container "side" in pod "p" not found'))
check("a container that is not there", completed("logs", "p", "-c", "other")[2].startswith(
    "error: container other is not valid for pod p"), True)
check("a pod that the kubelet does not know", completed("logs", "elsewhere"), (
    1, b"", "Error from server (NotFound): the server could not find the requested resource ( pods/log elsewhere)"))

# Commands, in both protocols, and with a kubelet that knows only one.
everything = os.urandom(3 << 20)
for name, environment in [("WebSocket", {}), ("SPDY", SPDY)]:
    def run(*command, data=None, environment=environment):
        return completed("exec", *(["-i"] if data is not None else []), "p", "-c", "main", "--", *command, data=data,
                         environment=environment)
    check(f"{name}: a command", run("echo", "a", "b c"), (0, b"a b c\n", ""))
    code, out, errors = run("sh", "-c", "echo out; echo err >&2; exit 3")
    check(f"{name}: its channels and its exit code", (code, out, errors),
          (3, b"out\n", "err\ncommand terminated with exit code 3"))
    check(f"{name}: standard input", run("cat", data=b"one\ntwo"), (0, b"one\ntwo", ""))
    check(f"{name}: standard input ends", run("wc", "-c", data=b""), (0, b"0\n", ""))
    code, out, errors = run("cat", data=everything)
    check(f"{name}: megabytes", (code, hashlib.sha256(out).hexdigest(), errors),
          (0, hashlib.sha256(everything).hexdigest(), ""))
    code, out, errors = run("/no/such/command")
    check(f"{name}: no such command", (code, out, "No such file" in errors), (1, b"", True))
    asked = [(method, target) for method, target, _ in kubelet.requests if target.startswith("/exec")][-1]
    check(f"{name}: what the kubelet is asked", asked, (
        "GET" if name == "WebSocket" else "POST",
        "/exec/default/p/main?command=%2Fno%2Fsuch%2Fcommand&error=1&output=1"))
kubelet.speaks_websocket = False
check("a kubelet that speaks SPDY only", completed("exec", "p", "-c", "main", "--", "echo", "old"), (0, b"old\n", ""))
kubelet.speaks_websocket = True
protocols = {headers.get("sec-websocket-protocol", "").split(",")[0] for _, _, headers in kubelet.requests}
check("a client's credentials stay here", [1 for _, _, headers in kubelet.requests if "authorization" in headers], [])
check("the newest protocol was offered", "v5.channel.k8s.io" in protocols, True)

# Files.
with open(path("sent"), "wb") as file:
    file.write(everything)
check("cp to a container", completed("cp", path("sent"), "p:received", "-c", "main")[0], 0)
check("what it has received", open(path("main/received"), "rb").read() == everything, True)
check("cp from a container", completed("cp", "p:received", path("back"), "-c", "main")[0], 0)
check("what has come back", open(path("back"), "rb").read() == everything, True)

# A log that goes on, and a process to which kubectl attaches.
following = Lines("logs", "-f", "p", "-c", "main")
check("what was logged before", following.next(), "begun")
for name, environment in [("WebSocket", {}), ("SPDY", SPDY)]:
    attached = Lines("attach", "-i", "p", "-c", "main", environment=environment, stdin=subprocess.PIPE)
    told = []
    while not told or told[-1] not in ("heard " + name, None):
        # What is written before kubectl has attached is read afterwards; the process answers line by line.
        if not told:
            attached.process.stdin.write(name + "\n")
            attached.process.stdin.flush()
        told.append(attached.next())
    check(f"{name}: attached", told[-1], "heard " + name)
    check(f"{name}: and it is logged at once", following.next(), "heard " + name)
    attached.stop()
last = Lines("attach", "-i", "p", "-c", "main", stdin=subprocess.PIPE)
last.process.stdin.write("end\n")
last.process.stdin.flush()
check("attached to the end", last.process.wait(20), 0)
check("a log ends with its process", following.process.wait(20), 0)

# Ports.
for name, environment in [("WebSocket", {}), ("SPDY", SPDY)]:
    forwarding = Lines("port-forward", "pod/p", f":{pod_port}", environment=environment)
    line = forwarding.next() or ""
    found = re.fullmatch(r"Forwarding from 127\.0\.0\.1:(\d+) -> %d" % pod_port, line)
    check(f"{name}: a port is forwarded", found is not None, True)
    for number in range(3) if found else []:
        held = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        held.request("POST", f"/through/{number}", "x" * 100_000)
        told = json.loads(held.getresponse().read())
        check(f"{name}: a request through it", (told["path"], len(told["body"])), (f"/through/{number}", 100_000))
        held.close()
    forwarding.stop()
kubelet.speaks_websocket = False
forwarding = Lines("port-forward", "pod/p", f":{pod_port}")
check("a kubelet that does not tunnel", (forwarding.next() or "").startswith("Forwarding from 127.0.0.1:"), True)
forwarding.stop()
kubelet.speaks_websocket = True

# Requests that are passed on.
made("/api/v1/namespaces/default/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"name": "web", "port": 80}]}})
made("/api/v1/namespaces/default/endpoints", {"metadata": {"name": "s"}, "subsets": [{
    "addresses": [{"ip": address, "targetRef": {"kind": "Pod", "namespace": "default", "name": "p"}}],
    "ports": [{"name": "web", "port": pod_port}]}]})
services = "/api/v1/namespaces/default/services"
for where in (f"{PODS}/p:{pod_port}/proxy", f"{services}/s:web/proxy", f"{services}/s:80/proxy", f"{services}/http:s:web/proxy"):
    told = json.loads(kubectl("get", "--raw", f"{where}/a/b?c=d"))
    check(where, told, {"method": "GET", "path": "/a/b?c=d", "body": "", "has_credentials": False})
told = ask("PUT", f"{PODS}/p:{pod_port}/proxy/x", {"a": 1})[1]
check("a body is passed on", (told["method"], told["path"], told["body"]), ("PUT", "/x", '{"a": 1}'))
check("a node", kubectl("get", "--raw", "/api/v1/nodes/n/proxy/healthz"), "ok")
check("a node and its port", kubectl("get", "--raw", f"/api/v1/nodes/n:{kubelet.port}/proxy/healthz"), "ok")
check("a service without such a port", kubectl("get", "--raw", f"{services}/s:81/proxy/"),
      'Error from server (ServiceUnavailable): no service port 81 found for service "s"')
pod.shutdown()
pod.server_close()
check("a pod that does not listen", kubectl("get", "--raw", f"{PODS}/p:{pod_port}/proxy/"),
      "Error from server (ServiceUnavailable): error trying to reach service: "
      f"dial tcp {address}:{pod_port}: connect: connection refused")
kubelet.close()
server.stop()
party.finish("kubelets")
