"""Connections whose clients begin something and never go on: each must be closed in its time, and none of them may
keep anybody else out."""

import threading
import time

from clients import END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, Probe, closed_after, frame, head

COUNT = 60
GET = frame(HEADERS, END_HEADERS | END_STREAM, 1, head("GET", "/livez"))

# What is sent, over which protocol, and after how many seconds the server must have closed.
KINDS = {
    "nothing over HTTP/1": ("http/1.1", b"", 35),
    "half a head": ("http/1.1", b"GET /livez HTTP/1.1\r\nHost: a\r\n", 35),
    "no preface": ("h2", b"", 13),
    "no SETTINGS": ("h2", PREFACE, 8),
    "half a frame": ("h2", PREFACE + frame(SETTINGS) + GET[:20], 35),
    "half a head over HTTP/2": ("h2", PREFACE + frame(SETTINGS) + frame(HEADERS, END_STREAM, 1, head("GET", "/")), 35),
    "nothing after a GET": ("h2", PREFACE + frame(SETTINGS) + GET, 95),
}


def attack(server):
    findings = []
    with Probe(server) as probe:
        threads = [threading.Thread(target=silent, args=(server, kind, findings)) for kind in KINDS]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    return findings + probe.findings("silent connections", 1, 300e6)


def silent(server, kind, findings):
    protocol, sent, most = KINDS[kind]
    streams = []
    for _ in range(COUNT):
        try:
            stream = server.connect(protocol)
            stream.sendall(sent)
            streams.append((stream, time.monotonic()))
        except OSError as error:
            findings.append(f"bad: {kind}: a connection was refused: {error}")
            break
    times = [closed_after(stream, began, most) for stream, began in streams]
    kept = sum(seconds is None for seconds in times)
    ended = [seconds for seconds in times if seconds is not None]
    if kept:
        findings.append(f"bad: {kind}: {kept} of {len(times)} still open after {most} s")
    if ended:
        findings.append(f"{kind}: closed after {min(ended):.1f} to {max(ended):.1f} s")
    [stream.close() for stream, _ in streams]
