"""More connections of strangers than there may be: a client that is known gets in all the same."""

import time

from clients import Probe

COUNT = 1500


def attack(server):
    streams, refused = [], 0
    with Probe(server) as probe:
        for _ in range(COUNT):
            try:
                streams.append(server.connect("h2"))
            except OSError:
                refused += 1
        time.sleep(2)
    [stream.close() for stream in streams]
    findings = [f"a crowd: {len(streams)} connections came in, {refused} did not"]
    return findings + probe.findings("a crowd", 1, 300e6)
