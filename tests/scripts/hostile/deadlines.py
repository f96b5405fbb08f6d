"""Connections whose clients begin something and never go on, or read nothing: the server must close each by itself."""

import threading
import time

import wire

COUNT = 20
# Far beyond the longest of the server's deadlines.
MOST_SECONDS = 240
LIST = "/api/v1/configmaps"


def kinds(target):
    """What is sent, over which protocol."""
    get = wire.get(target, "/livez", 1)
    begun = wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)
    half = wire.frame(wire.HEADERS, wire.END_STREAM, 1, wire.request(target, "GET", "/"))
    return {
        "nothing over HTTP/1": ("http/1.1", b""),
        "half a head": ("http/1.1", b"GET /livez HTTP/1.1\r\nHost: a\r\n"),
        "no preface": ("h2", b""),
        "no settings": ("h2", wire.PREFACE),
        "half a frame": ("h2", begun + get[:20]),
        "half a head over HTTP/2": ("h2", begun + half),
        "nothing after a GET": ("h2", begun + get),
        "an unread list": ("http/1.1", target.head("GET", LIST)),
        "an unread list over HTTP/2": ("h2", wire.PREFACE + wire.window(0) + wire.get(target, LIST, 1)),
    }


def findings(target):
    """Of each kind, what was found and whether it is good."""
    found = []
    arguments = [(target, kind, protocol, data, found) for kind, (protocol, data) in kinds(target).items()]
    threads = [threading.Thread(target=wait, args=each) for each in arguments]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return found


def wait(target, kind, protocol, data, found):
    is_unread = "unread" in kind
    streams = wire.open_many(COUNT, lambda: wire.sent(target.tls(protocol, receive_bytes=4096, certified=True), data))
    began = time.monotonic()
    if is_unread:
        # A client that reads would get its answer.
        time.sleep(45)
    closed = sum(is_closed(stream, began + MOST_SECONDS) for stream in streams)
    took = time.monotonic() - began
    found.append((f"{kind}: {closed} of {COUNT} closed within {took:.0f} s", closed == COUNT))
    wire.hold(streams, 0)


def is_closed(stream, until):
    while (left := until - time.monotonic()) > 0:
        stream.settimeout(left)
        try:
            if not stream.recv(65536):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False
