"""Clients that ask for much and read nothing of it: lists of 30 MB, and watches of objects that change. Their
connections must end, and the memory be given back, without anybody asking for anything."""

import json
import time

from clients import END_HEADERS, END_STREAM, HEADERS, PREFACE, Probe, closed_after, frame, head, request, window

OBJECTS = 12
OBJECT_BYTES = 900_000
LISTS = 60
WATCHES = 200
STALL_SECONDS = 30
PATH = "/api/v1/namespaces/hostile-unread/configmaps"


def attack(server):
    findings = []
    post(server, "/api/v1/namespaces", {"metadata": {"name": "hostile-unread"}})
    for number in range(OBJECTS):
        post(server, PATH, {"metadata": {"name": f"n-{number}"}, "data": {"a": "x" * OBJECT_BYTES}})
    before = server.memory()
    lists = request("GET", PATH)
    lists2 = PREFACE + window(0) + frame(HEADERS, END_HEADERS | END_STREAM, 1, head("GET", PATH))
    trickle = PREFACE + window(1) + frame(HEADERS, END_HEADERS | END_STREAM, 1, head("GET", PATH))
    watch = request("GET", PATH + "?watch=1")
    for what, protocol, sent, count in [
        ("unread lists", "http/1.1", lists, LISTS),
        ("unread lists over HTTP/2", "h2", lists2, LISTS),
        ("lists over HTTP/2 of which a byte is read", "h2", trickle, LISTS),
        ("unread watches", "http/1.1", watch, WATCHES),
    ]:
        streams = []
        with Probe(server) as probe:
            for _ in range(count):
                try:
                    stream = server.connect(protocol, known=True)
                    stream.sendall(sent)
                    streams.append(stream)
                except OSError as error:
                    findings.append(f"bad: {what}: a connection was refused: {error}")
                    break
            for number in range(10 if "watch" in sent.decode("latin-1") else 0):
                patch(server, f"{PATH}/n-{number % 3}", {"data": {"b": str(number)}})
            time.sleep(STALL_SECONDS + 15)
        held = server.memory()
        # Only now is anything read: what the system still held, and the end.
        began = time.monotonic()
        ended = sum(is_ended(stream, protocol, began) for stream in streams)
        [stream.close() for stream in streams]
        if ended < len(streams):
            findings.append(f"bad: {what}: {len(streams) - ended} of {len(streams)} were not ended")
        findings.append(f"{what}: {held / 1e6:.0f} MB after {STALL_SECONDS + 15} s, {before / 1e6:.0f} MB before")
        if held > before + 100e6:
            findings.append(f"bad: {what}: memory was not given back")
        findings += probe.findings(what, 1, before + 300e6)
    for number in range(OBJECTS):
        server.request("DELETE", f"{PATH}/n-{number}")
    server.request("DELETE", "/api/v1/namespaces/hostile-unread")
    return findings


def is_ended(stream, protocol, began):
    """The connection is closed, or over HTTP/2 the stream reset."""
    if protocol != "h2":
        return closed_after(stream, began, 10) is not None
    received = b""
    stream.settimeout(2)
    try:
        while piece := stream.recv(65536):
            received += piece
    except TimeoutError:
        pass
    except OSError:
        return True
    else:
        return True
    while len(received) >= 9:
        if received[3] == 3:
            return True
        received = received[9 + int.from_bytes(received[:3], "big") :]
    return False


def post(server, path, value):
    status, answer = server.request("POST", path, json.dumps(value).encode(), timeout=60)
    assert status in (201, 409), (status, answer[:200])


def patch(server, path, value):
    body = json.dumps(value).encode()
    headers = "Content-Type: application/merge-patch+json\r\n"
    with server.connect(known=True, timeout=30) as stream:
        stream.sendall(
            f"PATCH {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n{headers}"
            "Connection: close\r\n\r\n".encode() + body
        )
        while stream.recv(65536):
            pass
