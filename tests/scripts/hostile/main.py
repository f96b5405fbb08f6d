"""Attacks a server with all hostile clients at once, and watches whether it stays well.

    main.py --port PORT --token TOKEN --pid PID [--seconds N] [--report]

Beside the clients, a known user asks /livez and reads an object on new connections ten times a second. Fails when one of
them was not answered, when the server's memory did not come back near to where it stood (after as many seconds of rest
as `--rest` says), or when it ended. With `--report` it prints what each client cost. Figures of time are printed and
never judged: a machine may be busy.
"""

import argparse
import json
import sys
import threading
import time

import clients
from connection import Target

CONFIG_MAPS = 200
CONFIG_MAP_BYTES = 100_000
# What the server may hold more than before the attack, once all clients have gone.
GROWTH_BYTES = 150 * 1024 * 1024


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise OSError("the server has ended")


class Watcher(threading.Thread):
    """Asks for the server's health as long as the attack lasts."""

    def __init__(self, target, pid):
        super().__init__(daemon=True)
        self.target, self.pid = target, pid
        self.waits, self.unanswered, self.peak_bytes = [], [], 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            for path, known in (("/livez", True), ("/livez", False), ("/api/v1/namespaces/default", True)):
                began = time.monotonic()
                answer = self.target.ask("GET", path, known=known, timeout=30)
                self.waits.append(time.monotonic() - began)
                if answer is None or answer[0] != 200:
                    self.unanswered.append((path, "known" if known else "stranger", answer and answer[0]))
            try:
                self.peak_bytes = max(self.peak_bytes, resident_bytes(self.pid))
            except OSError:
                return
            time.sleep(0.1)


def prepare(target):
    """Objects that are worth asking for."""
    filler = "x" * CONFIG_MAP_BYTES
    for number in range(CONFIG_MAPS):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"hostile-{number}"}, "data": {"filler": filler}}
        encoded = json.dumps(body).encode()
        answer = target.ask("POST", "/api/v1/namespaces/default/configmaps", encoded, [("Content-Type", "application/json")])
        assert answer and answer[0] in (201, 409), answer


def attack(target, client, seconds, until):
    """Repeats one client until the time is over."""
    while time.monotonic() < until:
        client(target, max(1.0, min(seconds, until - time.monotonic())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rest", type=float, default=15)
    parser.add_argument("--only", nargs="*", default=[], help="names of the clients that take part")
    parser.add_argument("--report", action="store_true", help="one client after the other, with a line for each")
    options = parser.parse_args()
    target = Target(options.port, options.token)
    chosen = [client for client in clients.ALL if not options.only or client.__name__ in options.only]
    prepare(target)
    before = resident_bytes(options.pid)
    failed = 0
    rounds = [[client] for client in chosen] if options.report else [chosen]
    for round_clients in rounds:
        watcher = Watcher(target, options.pid)
        watcher.start()
        until = time.monotonic() + options.seconds
        threads = [threading.Thread(target=attack, args=(target, client, 10, until), daemon=True) for client in round_clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(options.seconds + 120)
        watcher.ended.set()
        watcher.join(60)
        failed += len(watcher.unanswered) > 0
        waits = sorted(watcher.waits)
        name = round_clients[0].__name__ if options.report else "all"
        print(
            f"{name}: {len(waits)} questions, {len(watcher.unanswered)} unanswered, median {waits[len(waits) // 2] * 1000:.0f} ms,"
            f" most {waits[-1] * 1000:.0f} ms, memory {before / 1e6:.0f} MB before, {watcher.peak_bytes / 1e6:.0f} MB at most,"
            f" {resident_bytes(options.pid) / 1e6:.0f} MB at the end"
        )
        for unanswered in watcher.unanswered[:5]:
            print(f"  unanswered: {unanswered}")
        sys.stdout.flush()
    time.sleep(options.rest)
    after = resident_bytes(options.pid)
    print(f"{after / 1e6:.0f} MB after {options.rest:.0f} s of rest")
    failed += after > before + GROWTH_BYTES
    print(f"hostile clients: {len(rounds) + 1 - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
