"""Strangers that send nearly all of a large body, or a large head, and then wait: the server must hold little of it,
and a client that is known can write meanwhile."""

import json
import time

from clients import CONTINUATION, HEADERS, PREFACE, SETTINGS, Probe, fields, frame, head

COUNT = 200
BODY_BYTES = 3_000_000
SECONDS = 8


def attack(server):
    findings = []
    for what, protocol, sent in [
        ("unfinished bodies", "http/1.1", unfinished_body()),
        ("unfinished chunks", "http/1.1", unfinished_chunks()),
        ("unfinished heads", "http/1.1", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000),
        ("unfinished heads over HTTP/2", "h2", unfinished_heads()),
        ("many streams over HTTP/2", "h2", many_streams()),
    ]:
        streams, began = [], time.monotonic()
        with Probe(server) as probe:
            for _ in range(COUNT):
                if time.monotonic() - began > 4 * SECONDS:
                    break
                try:
                    stream = server.connect(protocol)
                    streams.append(stream)
                    stream.settimeout(0.5)
                    stream.sendall(sent)
                except OSError:
                    # The server does not take it, or not at once: that is its right.
                    pass
            findings += writes(server, what)
            time.sleep(SECONDS / 4)
        [stream.close() for stream in streams]
        findings += probe.findings(what, 1, 300e6)
    return findings


def unfinished_body():
    head = f"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    return head.encode() + b" " * (BODY_BYTES - 1)


def unfinished_chunks():
    head = "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * (BODY_BYTES // 0x4000)


def unfinished_heads():
    begun = PREFACE + frame(SETTINGS) + frame(HEADERS, 0, 1, head("GET", "/"))
    many = fields(*((f"x-{number}", "") for number in range(1500)))
    return begun + b"".join(frame(CONTINUATION, 0, 1, many[at : at + 16000]) for at in range(0, len(many), 16000)) * 8


def many_streams():
    begun = PREFACE + frame(SETTINGS)
    post = head("POST", "/api/v1/namespaces/default/configmaps")
    for stream in range(1, 200, 2):
        begun += frame(HEADERS, 4, stream, post)
        begun += b"".join(frame(0, 0, stream, b" ") for _ in range(1000))
    return begun


def writes(server, what):
    """A client with a certificate writes an object of half a megabyte."""
    name = f"hostile-{time.monotonic_ns()}"
    body = json.dumps({"metadata": {"name": name}, "data": {"a": "x" * 500_000}}).encode()
    began = time.monotonic()
    try:
        status, answer = server.request("POST", "/api/v1/namespaces/default/configmaps", body, timeout=30)
        server.request("DELETE", f"/api/v1/namespaces/default/configmaps/{name}", timeout=30)
    except OSError as error:
        return [f"bad: {what}: a known client's write failed: {error}"]
    if status != 201:
        return [f"bad: {what}: a known client's write was answered {status} {answer[:200]!r}"]
    return [f"{what}: a known client's write took {time.monotonic() - began:.2f} s"]
