"""The hostile clients: each is one bounded burst of bad behaviour, and closes what it opened.

A client takes the target and the seconds for which it may hold on to what it has opened. What it gets as an answer
is not its business: the server's health is measured beside it.
"""

import json
import time

import connection as h2


def _hold(streams, seconds):
    time.sleep(seconds)
    for stream in streams:
        try:
            stream.close()
        except OSError:
            pass


def _open(count, make):
    streams = []
    for _ in range(count):
        try:
            streams.append(make())
        except OSError:
            continue  # refused: that is the server's right
    return streams


def _sent(stream, data):
    try:
        stream.sendall(data)
    except OSError:
        pass
    return stream


def silent_sockets(target, seconds):
    """TCP connections on which no handshake ever starts."""
    _hold(_open(100, target.tcp), seconds)


def silent_connections(target, seconds):
    """TLS connections without a request, in both protocols."""
    _hold(_open(60, target.tls) + _open(60, lambda: target.tls("h2")), seconds)


def half_heads(target, seconds):
    """Requests whose head never ends."""
    _hold(_open(80, lambda: _sent(target.tls(), b"GET /version HTTP/1.1\r\nHost: a\r\nX-A: ")), seconds)


def half_preface(target, seconds):
    """HTTP/2 that stops in the preface, before its SETTINGS, in a frame, or after a GET that nobody reads."""
    beginnings = [
        h2.PREFACE[:9],
        h2.PREFACE,
        h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0)[:5],
        h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0) + h2.get(target, "/version", 1, known=False),
    ]
    streams = []
    for beginning in beginnings:
        streams += _open(40, lambda: _sent(target.tls("h2"), beginning))
    _hold(streams, seconds)


def slow_bodies(target, seconds):
    """Large bodies that are announced, begun, and never finished, by strangers and by a known user."""
    streams = []
    for known in (False, True):
        head = target.head("POST", "/api/v1/namespaces/default/configmaps", [("Content-Length", 3_000_000)], known)
        streams += _open(40, lambda: _sent(target.tls(), head + b"{" + b" " * 500_000))
    _hold(streams, seconds)


def strangers_bodies(target, seconds):
    """Whole bodies of three megabytes from clients that nobody knows."""
    head = target.head("POST", "/api/v1/namespaces/default/configmaps", [("Content-Length", 3_000_000)], known=False)
    _hold(_open(60, lambda: _sent(target.tls(), head + b" " * 2_999_999)), seconds)


def unread_lists(target, seconds):
    """Lists that are asked for and never read."""
    head = target.head("GET", "/api/v1/configmaps")
    _hold(_open(60, lambda: _sent(target.tls(receive_bytes=4096), head)), seconds)


def unread_lists_of_many_streams(target, seconds):
    """The same over HTTP/2: a hundred lists a connection, whose windows are never opened."""
    asked = b"".join(h2.get(target, "/api/v1/configmaps", 2 * number + 1) for number in range(100))
    begun = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0) + asked
    _hold(_open(10, lambda: _sent(target.tls("h2", receive_bytes=4096), begun)), seconds)


def unread_watches(target, seconds):
    """Watches that nobody reads, while objects change."""
    head = target.head("GET", "/api/v1/configmaps?watch=true&allowWatchBookmarks=true")
    streams = _open(150, lambda: _sent(target.tls(receive_bytes=4096), head))
    for number in range(50):
        patch = json.dumps({"data": {"round": str(number), "filler": "x" * 20_000}}).encode()
        media = [("Content-Type", "application/merge-patch+json")]
        target.ask("PATCH", "/api/v1/namespaces/default/configmaps/hostile-0", patch, media)
    _hold(streams, seconds)


def rapid_resets(target, seconds):
    """Requests that are reset as soon as they are made."""
    stream = _open(1, lambda: target.tls("h2"))
    for connected in stream:
        _sent(connected, h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0))
        for number in range(5_000):
            asked = h2.get(target, "/api/v1/configmaps", 2 * number + 1)
            _sent(connected, asked + h2.frame(h2.RST_STREAM, 0, 2 * number + 1, b"\x00\x00\x00\x08"))
    _hold(stream, min(seconds, 1))


def frame_floods(target, seconds):
    """Pings, settings, empty data and headers that never end."""
    floods = [
        h2.frame(h2.PING, 0, 0, b"12345678") * 20_000,
        h2.frame(h2.SETTINGS, 0, 0) * 20_000,
        h2.frame(h2.HEADERS, 0, 1, h2.header(":method", "GET"))
        + h2.frame(h2.CONTINUATION, 0, 1, h2.header("a", "b" * 100)) * 20_000,
        h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 100,
    ]
    streams = []
    for flood in floods:
        streams += _open(3, lambda: _sent(target.tls("h2"), h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0) + flood))
    _hold(streams, min(seconds, 2))


def garbage(target, seconds):
    """Bytes that are no HTTP, plain HTTP on the secure port, and heads that contradict themselves."""
    nonsense = [
        b"\x00" * 4096,
        bytes(range(256)) * 64,
        b"GET version HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(50_000)) + b"\r\n",
    ]
    streams = []
    for bytes_sent in nonsense:
        streams += _open(3, lambda: _sent(target.tls(), bytes_sent))
    streams += _open(10, lambda: _sent(target.tcp(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    _hold(streams, min(seconds, 1))


def strange_paths(target, seconds):
    """Paths, methods and tokens that nobody has seen before, each of which a careless server remembers."""
    for number in range(300):
        target.ask("GET", f"/apis/group{number}/v{number}/kind{number}/name/sub{number}", known=number % 2 == 0)
        target.ask(f"VERB{number}", "/api/v1/pods")
        target.ask("GET", f"/{number}/{number}", headers=[("Authorization", f"Bearer {number}")], known=False)


def _post_config_map(target, media, body):
    target.ask("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Strict&dryRun=All", body, [("Content-Type", media)])


def heavy_json(target, seconds):
    """JSON whose reading is quadratic for a careless reader."""
    fields = ",".join(f'"f{number}":{number}' for number in range(100_000))
    keys = ",".join(f'"bad key {number}":"x"' for number in range(100_000))
    pairs = ",".join('"a":"b"' for _ in range(100_000))
    owners = ",".join('{"apiVersion":"v1","kind":"Pod","name":"a","uid":"u"}' for _ in range(40_000))
    start = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"heavy"'
    for body in (
        start + "}," + fields + "}",
        start + '},"data":{' + keys + "}}",
        start + '},"data":{' + pairs + "}}",
        start + ',"ownerReferences":[' + owners + "]}}",
        "[" * 1_000_000,
        start + '},"data":{"a":' + "9" * 1_000_000 + "}}",
    ):
        _post_config_map(target, "application/json", body.encode())


def heavy_yaml(target, seconds):
    """YAML that grows when it is read."""
    start = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: heavy}\n"
    long_string = "a: &a " + "x" * 1_000_000 + "\nb: [" + ", ".join(["*a"] * 200_000) + "]\n"
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x]\n"]
    for number in range(1, 12):
        levels.append(f"l{number}: &l{number} [" + ", ".join([f"*l{number - 1}"] * 9) + "]\n")
    keys = "".join(f"k{number}: &a{number} v\n" for number in range(100_000))
    for body in (start + long_string, start + "".join(levels), start + keys, start + "data: " + "[" * 200_000):
        _post_config_map(target, "application/yaml", body.encode())


def heavy_protobuf(target, seconds):
    """A ConfigMap of many empty managed fields."""
    metadata = b"\x0a\x05heavy" + b"\x8a\x01\x00" * 900_000
    config_map = b"\x0a" + _varint(len(metadata)) + metadata
    kind = b"\x0a\x02v1\x12\x09ConfigMap"
    unknown = b"\x0a" + _varint(len(kind)) + kind + b"\x12" + _varint(len(config_map)) + config_map
    for _ in range(2):
        _post_config_map(target, "application/vnd.kubernetes.protobuf", b"k8s\x00" + unknown)


def _varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number % 128 | 128)
        number //= 128
    return bytes([*out, number])


def heavy_patches(target, seconds):
    """JSON patches that move a large map about, and strategic patches with long lists of directives."""
    path = "/api/v1/namespaces/default/configmaps/hostile-0?dryRun=All"
    moves = [{"op": "move", "from": "/data", "path": "/data2"}, {"op": "move", "from": "/data2", "path": "/data"}]
    body = json.dumps(moves * 2_000).encode()
    target.ask("PATCH", path, body, [("Content-Type", "application/json-patch+json")])
    order = [{"uid": str(number)} for number in range(40_000)]
    patch = {"metadata": {"$setElementOrder/ownerReferences": order, "ownerReferences": order}}
    target.ask("PATCH", path, json.dumps(patch).encode(), [("Content-Type", "application/strategic-merge-patch+json")])


ALL = [value for value in list(globals().values()) if callable(value) and getattr(value, "__doc__", None)
       and getattr(value, "__module__", None) == __name__]
