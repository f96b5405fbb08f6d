"""Attacks a server with all hostile clients at once, and checks that it stays well.

    main.py --port PORT --token TOKEN --pid PID [--kubeconfig FILE] [--seconds N] [--report] [--long] [--only NAME...]

Beside the clients, a known user and a stranger ask for /livez, and the known user reads and writes objects, each on a
new connection. It fails when one of them was not answered; when the server took too much memory, or did not give it
back; when requests or watches are counted as open that are not; when room for bodies was lost; and when the server
does not end on SIGTERM while silent clients are connected. Times are printed and never judged: a machine may be busy.

With `--report` it prints what each client cost, one after the other. With `--long` it also waits until the server has
closed each kind of silent or unread connection, which takes two minutes.
"""

import argparse
import base64
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time

import deadlines
import floods
import heavy
import idlers
import unread
import uploads
import wire

CLIENTS = idlers.ALL + uploads.ALL + unread.ALL + floods.ALL + heavy.ALL
CONFIG_MAPS = 200
CONFIG_MAP_BYTES = 100_000
COLLECTION = "/api/v1/namespaces/default/configmaps"
JSON = [("Content-Type", "application/json")]
# What the server may hold more than before the attack: while it lasts, and once all clients have gone.
PEAK_BYTES = 900 * 1024 * 1024
GROWTH_BYTES = 150 * 1024 * 1024
# Bodies of the largest size, of known clients, and long heads, of strangers, for which there is room at once.
ROOM_KNOWN, ROOM_STRANGERS = 80, 7
LONG_HEAD = [("X", "x" * 20_000)]
LARGEST_BODY_BYTES = 3 * 1024 * 1024
GAUGES = re.compile(rb"^(apiserver_(?:current_inflight_requests|longrunning_requests)\S*) (\d+)$", re.MULTILINE)
# How long anything may take that must happen at all.
PATIENCE_SECONDS = 120


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise OSError("the server has ended")


class Watcher(threading.Thread):
    """Good clients, as long as the attack lasts."""

    def __init__(self, target, pid):
        super().__init__(daemon=True)
        self.target, self.pid = target, pid
        self.waits, self.unanswered, self.peak_bytes = [], [], 0
        self.ended = threading.Event()

    def run(self):
        body = json.dumps({"metadata": {"name": "good"}, "data": {"a": "x" * 500_000}}).encode()
        questions = [
            ("GET", "/livez", b"", True, 200),
            ("GET", "/livez", b"", False, 401),
            ("GET", "/api/v1/namespaces/default", b"", True, 200),
            ("POST", f"{COLLECTION}?dryRun=All", body, True, 201),
        ]
        while not self.ended.is_set():
            for method, path, body, known, expected in questions:
                began = time.monotonic()
                answer = self.target.ask(method, path, body, JSON if body else (), known, timeout=PATIENCE_SECONDS)
                self.waits.append(time.monotonic() - began)
                if answer is None or answer[0] != expected:
                    who = "known" if known else "stranger"
                    self.unanswered.append((method, path, who, answer and answer[1][-300:]))
            try:
                self.peak_bytes = max(self.peak_bytes, resident_bytes(self.pid))
            except OSError:
                return
            time.sleep(0.1)


def prepare(target):
    """Objects that are worth asking for, which cannot be compressed to nothing."""
    filler = random.Random(1)
    for number in range(CONFIG_MAPS):
        data = {"filler": filler.randbytes(CONFIG_MAP_BYTES // 2).hex()}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"hostile-{number}"}, "data": data}
        answer = target.ask("POST", COLLECTION, json.dumps(body).encode(), JSON)
        assert answer and answer[0] in (201, 409), answer


def attack(target, client, until):
    """Repeats one client until the time is over."""
    while time.monotonic() < until:
        client(target, max(1.0, min(10, until - time.monotonic())))


def round_of(target, chosen, pid, seconds):
    """All of the clients at once; what the good clients found."""
    watcher = Watcher(target, pid)
    watcher.start()
    until = time.monotonic() + seconds
    wire.Target.until = until
    arguments = [(target, client, until) for client in chosen]
    threads = [threading.Thread(target=attack, args=each, daemon=True) for each in arguments]
    [thread.start() for thread in threads]
    [thread.join(PATIENCE_SECONDS) for thread in threads]
    watcher.ended.set()
    watcher.join(PATIENCE_SECONDS)
    wire.Target.until = float("inf")
    return watcher


def becomes(found, is_good):
    """What `found` gives once it is good, or in the end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_good(value := found()) and time.monotonic() < until:
        time.sleep(0.2)
    return value


def open_requests(target):
    """The gauges that are not 0; None without an answer."""
    answer = target.ask("GET", "/metrics")
    if answer is None or answer[0] != 200:
        return None
    gauges = GAUGES.findall(answer[1])
    assert len(gauges) >= 3, "the metrics have the gauges"
    return [f"{name.decode()} {value.decode()}" for name, value in gauges if value != b"0"]


def lost_room(target):
    """How many of the bodies and heads for which there must be room found none. A client that waits to be told to go
    on with its body shows it without sending one; a head shows it when its end comes."""
    headers = [*JSON, ("Content-Length", LARGEST_BODY_BYTES), ("Expect", "100-continue")]
    body = target.head("POST", COLLECTION, headers)
    head = target.head("GET", "/livez", LONG_HEAD, known=False)
    lost = 0
    for begun, rest, expected, count in [
        (body, b"", b"HTTP/1.1 100 ", ROOM_KNOWN),
        (head[:-2], head[-2:], b"HTTP/1.1 401 ", ROOM_STRANGERS),
    ]:
        streams = [wire.sent(target.tls(timeout=60), begun) for _ in range(count)]
        for stream in streams:
            try:
                lost += not wire.sent(stream, rest).recv(64).startswith(expected)
            except OSError:
                lost += 1
        wire.hold(streams, 0)
    return lost


def ends(target, pid):
    """Whether the server ends on SIGTERM while clients are connected that say nothing, or half of something."""
    begun = [
        ("h2", b""),
        ("h2", wire.PREFACE),
        ("h2", wire.PREFACE + wire.frame(wire.SETTINGS, 0, 0)),
        ("http/1.1", b"GET / HT"),
        ("http/1.1", b""),
    ]
    streams = [wire.sent(target.tls(protocol), data) for protocol, data in begun]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    has_ended = becomes(lambda: not is_alive(pid), bool)
    print(f"ended {time.monotonic() - began:.1f} s after SIGTERM" if has_ended else "still there after SIGTERM")
    wire.hold(streams, 0)
    return has_ended


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def certificate(kubeconfig, directory):
    """The client's certificate and key of a kubeconfig, as a file."""
    with open(kubeconfig) as file:
        text = file.read()
    parts = (re.search(rf"client-{part}-data: (\S+)", text) for part in ("certificate", "key"))
    path = os.path.join(directory, "client.pem")
    with open(path, "wb") as file:
        file.write(b"".join(base64.b64decode(part[1]) for part in parts))
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--kubeconfig")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only", nargs="*", default=[], help="names of the clients that take part")
    parser.add_argument("--report", action="store_true", help="one client after the other, with a line for each")
    parser.add_argument("--long", action="store_true", help="wait for the end of silent and unread connections")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        file = options.kubeconfig and certificate(options.kubeconfig, directory)
        sys.exit(run(options, wire.Target(options.port, options.token, file)))


def run(options, target):
    counts = {True: 0, False: 0}

    def judge(what, is_good):
        counts[bool(is_good)] += 1
        print(f"{'ok' if is_good else 'FAILED'}: {what}", flush=True)

    chosen = [client for client in CLIENTS if not options.only or client.__name__ in options.only]
    prepare(target)
    before = resident_bytes(options.pid)
    for clients in [[client] for client in chosen] if options.report else [chosen]:
        name = clients[0].__name__ if len(clients) == 1 else f"{len(clients)} clients"
        watcher = round_of(target, clients, options.pid, options.seconds)
        waits = sorted(watcher.waits)
        median, most, count = waits[len(waits) // 2], waits[-1], len(waits)
        print(f"{name}: {count} questions, median {median * 1000:.0f} ms, most {most * 1000:.0f} ms")
        print(f"memory {before / 1e6:.0f} MB before, {watcher.peak_bytes / 1e6:.0f} MB at most")
        judge(f"{name}: {len(watcher.unanswered)} unanswered {watcher.unanswered[:3]}", not watcher.unanswered)
        judge(f"{name}: bound of memory", watcher.peak_bytes < before + PEAK_BYTES)
    if options.long:
        for what, is_good in deadlines.findings(target):
            judge(what, is_good)
    still_open = becomes(lambda: open_requests(target), lambda found: found == [])
    judge(f"requests that are open: {still_open}", still_open == [])
    lost = becomes(lambda: lost_room(target), lambda found: found == 0)
    judge(f"bodies and heads without room: {lost}", lost == 0)
    after = becomes(lambda: resident_bytes(options.pid), lambda found: found < before + GROWTH_BYTES)
    judge(f"memory {after / 1e6:.0f} MB in the end", after < before + GROWTH_BYTES)
    judge("the server ends", ends(target, options.pid))
    print(f"hostile clients: {counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    main()
