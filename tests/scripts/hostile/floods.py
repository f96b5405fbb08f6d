"""Clients that send much, or what nobody has sent before."""

import wire


def rapid_resets(target, seconds):
    """Requests that are reset as soon as they are made."""
    stream = wire.open_many(1, lambda: target.tls("h2"))
    for connected in stream:
        wire.sent(connected, wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0))
        for number in range(5_000):
            if target.is_over():
                break
            asked = wire.get(target, "/api/v1/configmaps", 2 * number + 1)
            wire.sent(connected, asked + wire.frame(wire.RST_STREAM, 0, 2 * number + 1, b"\x00\x00\x00\x08"))
    wire.hold(stream, min(seconds, 1))


def frame_floods(target, seconds):
    """Pings, settings, empty data and headers that never end."""
    floods = [
        wire.frame(wire.PING, 0, 0, b"12345678") * 20_000,
        wire.frame(wire.SETTINGS, 0, 0) * 20_000,
        wire.frame(wire.HEADERS, 0, 1, wire.header(":method", "GET"))
        + wire.frame(wire.CONTINUATION, 0, 1, wire.header("a", "b" * 100)) * 20_000,
        wire.frame(wire.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 100,
    ]
    streams = []
    for flood in floods:
        streams += wire.open_many(3, lambda: wire.sent(target.tls("h2"), wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0) + flood))
    wire.hold(streams, min(seconds, 2))


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
        streams += wire.open_many(3, lambda: wire.sent(target.tls(), bytes_sent))
    streams += wire.open_many(10, lambda: wire.sent(target.tcp(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    wire.hold(streams, min(seconds, 1))


def strange_paths(target, seconds):
    """Paths, methods and tokens that nobody has seen before, each of which a careless server remembers."""
    for number in range(300):
        if target.is_over():
            return
        target.ask("GET", f"/apis/group{number}/v{number}/kind{number}/name/sub{number}", known=number % 2 == 0)
        target.ask(f"VERB{number}", "/api/v1/pods")
        target.ask("GET", f"/{number}/{number}", headers=[("Authorization", f"Bearer {number}")], known=False)


ALL = [rapid_resets, frame_floods, garbage, strange_paths]
