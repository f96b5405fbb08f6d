"""Clients that ask for much and read nothing of it."""

import json

import wire


def unread_lists(target, seconds):
    """Lists, plain and compressed, that are asked for and never read."""
    streams = []
    for media in ("identity", "gzip"):
        head = target.head("GET", "/api/v1/configmaps", [("Accept-Encoding", media)])
        streams += wire.open_many(30, lambda: wire.sent(target.tls(receive_bytes=4096), head))
    wire.hold(streams, seconds)


def unread_lists_of_many_streams(target, seconds):
    """The same over HTTP/2: a hundred lists a connection, whose windows are never opened, are closed, or take a byte."""
    asked = b"".join(wire.get(target, "/api/v1/configmaps", 2 * number + 1) for number in range(100))
    begun = wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0) + asked
    streams = wire.open_many(5, lambda: wire.sent(target.tls("h2", receive_bytes=4096), begun))
    for size in (0, 1):
        begun = wire.PREFACE + wire.window(size) + asked
        streams += wire.open_many(5, lambda: wire.sent(target.tls("h2", certified=True), begun))
    wire.hold(streams, seconds)


def unread_watches(target, seconds):
    """Watches that nobody reads, while objects change."""
    head = target.head("GET", "/api/v1/configmaps?watch=true&allowWatchBookmarks=true")
    streams = wire.open_many(150, lambda: wire.sent(target.tls(receive_bytes=4096), head))
    for number in range(50):
        patch = json.dumps({"data": {"round": str(number), "filler": "x" * 20_000}}).encode()
        media = [("Content-Type", "application/merge-patch+json")]
        target.ask("PATCH", "/api/v1/namespaces/default/configmaps/hostile-0", patch, media)
    wire.hold(streams, seconds)


ALL = [unread_lists, unread_lists_of_many_streams, unread_watches]
