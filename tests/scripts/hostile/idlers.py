"""Clients that begin something and never go on."""

import wire


def silent_sockets(target, seconds):
    """TCP connections on which no handshake ever starts."""
    wire.hold(wire.open_many(100, target.tcp), seconds)


def silent_connections(target, seconds):
    """TLS connections without a request, in both protocols."""
    wire.hold(wire.open_many(60, target.tls) + wire.open_many(60, lambda: target.tls("h2")), seconds)


def half_heads(target, seconds):
    """Requests whose head never ends."""
    wire.hold(wire.open_many(80, lambda: wire.sent(target.tls(), b"GET /version HTTP/1.1\r\nHost: a\r\nX-A: ")), seconds)


def half_preface(target, seconds):
    """HTTP/2 that stops in the preface, before its SETTINGS, in a frame, or after a GET that nobody reads."""
    beginnings = [
        wire.PREFACE[:9],
        wire.PREFACE,
        wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)[:5],
        wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0) + wire.get(target, "/version", 1, known=False),
    ]
    streams = []
    for beginning in beginnings:
        streams += wire.open_many(40, lambda: wire.sent(target.tls("h2"), beginning))
    wire.hold(streams, seconds)


def unfinished_heads(target, seconds):
    """A megabyte of a head, over HTTP/1 and in frames of HTTP/2, that goes on for ever."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000
    streams = wire.open_many(40, lambda: wire.sent(target.tls(), head))
    lines = b"".join(wire.header(f"x-{number}", "") for number in range(1500))
    begun = wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)
    begun += wire.frame(wire.HEADERS, 0, 1, wire.request(target, "GET", "/", known=False))
    more = [lines[at : at + 16_000] for at in range(0, len(lines), 16_000)]
    begun += b"".join(wire.frame(wire.CONTINUATION, 0, 1, part) for part in more) * 8
    streams += wire.open_many(40, lambda: wire.sent(target.tls("h2"), begun))
    wire.hold(streams, seconds)


def crowd(target, seconds):
    """More connections of strangers than there may be."""
    streams = []
    while len(streams) < 700 and not target.is_over():
        streams += wire.open_many(10, lambda: target.tls("h2"))
    wire.hold(streams, min(seconds, 2))


ALL = [silent_sockets, silent_connections, half_heads, half_preface, unfinished_heads, crowd]
