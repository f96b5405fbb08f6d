"""Clients that send bodies, all but their last byte."""

import wire

PATH = "/api/v1/namespaces/default/configmaps"


def slow_bodies(target, seconds):
    """Large bodies that are announced, begun, and never finished, by strangers and by a known user."""
    streams = []
    for known in (False, True):
        head = target.head("POST", PATH, [("Content-Length", 3_000_000)], known)
        streams += wire.open_many(40, lambda: wire.sent(target.tls(), head + b"{" + b" " * 500_000))
    wire.hold(streams, seconds)


def strangers_bodies(target, seconds):
    """Whole bodies of three megabytes from clients that nobody knows."""
    head = target.head("POST", PATH, [("Content-Length", 3_000_000)], known=False)
    wire.hold(wire.open_many(60, lambda: wire.sent(target.tls(), head + b" " * 2_999_999)), seconds)


def unfinished_chunks(target, seconds):
    """The same without a length, in chunks."""
    head = target.head("POST", PATH, [("Transfer-Encoding", "chunked")], known=False)
    chunks = (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 183
    wire.hold(wire.open_many(60, lambda: wire.sent(target.tls(), head + chunks)), seconds)


def bodies_of_many_streams(target, seconds):
    """A hundred bodies a connection over HTTP/2, a byte a frame, by strangers and by a known user."""
    streams = []
    for known in (False, True):
        block = wire.request(target, "POST", PATH, known)
        begun = wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)
        for stream in range(1, 200, 2):
            begun += wire.frame(wire.HEADERS, wire.END_HEADERS, stream, block)
            begun += wire.frame(wire.DATA, 0, stream, b" ") * 1000
        streams += wire.open_many(10, lambda: wire.sent(target.tls("h2", certified=known), begun))
    wire.hold(streams, seconds)


def aborted_uploads(target, seconds):
    """Bodies whose clients go away, or reset the stream, in the middle; with and without a certificate."""
    head = target.head("POST", PATH, [("Content-Length", 3_000_000)])
    block = wire.request(target, "POST", PATH, fields=[("content-length", "3000000")])
    begun = wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)
    for stream in range(1, 100, 2):
        begun += wire.frame(wire.HEADERS, wire.END_HEADERS, stream, block)
        begun += wire.frame(wire.DATA, 0, stream, b" " * 1000)
        begun += wire.frame(wire.RST_STREAM, 0, stream, b"\x00\x00\x00\x08")
    for certified in (False, True):
        wire.hold(wire.open_many(20, lambda: wire.sent(target.tls(certified=certified), head + b" " * 1000)), 0)
        wire.hold(wire.open_many(5, lambda: wire.sent(target.tls("h2", certified=certified), begun)), 0)


ALL = [slow_bodies, strangers_bodies, unfinished_chunks, bodies_of_many_streams, aborted_uploads]
