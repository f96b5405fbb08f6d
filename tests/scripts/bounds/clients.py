"""What hostile clients are made of: raw connections to a server on this machine, and what is measured meanwhile.

Each other file here has a function `attack(server)` that returns a list of findings: lines that begin with "bad:" say
what must not be. Every attack is bounded in connections, bytes and seconds.
"""

import re
import socket
import ssl
import threading
import time

ADDRESS = "127.0.0.1"


class Server:
    """A running server: its port, its process, and a kubeconfig with a client certificate."""

    def __init__(self, port, pid, certificate=None):
        self.port, self.pid, self.certificate = port, pid, certificate

    def connect(self, protocol="http/1.1", known=False, timeout=10):
        """A TLS connection; with the client certificate when `known`."""
        context = ssl._create_unverified_context()
        context.set_alpn_protocols([protocol])
        if known:
            context.load_cert_chain(self.certificate)
        plain = socket.create_connection((ADDRESS, self.port), timeout)
        plain.settimeout(timeout)
        try:
            return context.wrap_socket(plain)
        except (OSError, ssl.SSLError):
            plain.close()
            raise

    def request(self, method, path, body=b"", known=True, headers="", timeout=10):
        """The status and the body of one request on a connection of its own."""
        with self.connect(known=known, timeout=timeout) as stream:
            stream.sendall(request(method, path, body, headers + "Connection: close\r\n"))
            answer = b""
            while piece := stream.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmRSS:\s*(\d+)", status.read())[1]) * 1024


def request(method, path, body=b"", headers=""):
    length = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{length}{headers}\r\n".encode() + body


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, CONTINUATION = 0, 1, 4, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def window(size):
    """SETTINGS with INITIAL_WINDOW_SIZE."""
    return frame(SETTINGS, payload=b"\0\4" + size.to_bytes(4, "big"))


def text(value):
    """A string literal of HPACK, without Huffman."""
    value = value.encode()
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, length = len(value) - 127, b"\x7f"
    while rest >= 128:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    return length + bytes([rest]) + value


def fields(*pairs):
    return b"".join(b"\0" + text(name) + text(value) for name, value in pairs)


def head(method, path, *more):
    return fields((":method", method), (":scheme", "https"), (":authority", "a"), (":path", path), *more)


class Probe:
    """Asks for /livez ten times a second, on a new connection each time, and keeps the longest wait and the most
    memory."""

    def __init__(self, server, known=True):
        self.server, self.known = server, known
        self.longest, self.memory, self.failures, self.count = 0.0, 0, [], 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.1):
            began = time.monotonic()
            try:
                status, body = self.server.request("GET", "/livez", known=self.known)
                if (status, body) != (200, b"ok"):
                    self.failures.append(f"{status} {body[:80]!r}")
            except OSError as error:
                self.failures.append(str(error))
            self.longest = max(self.longest, time.monotonic() - began)
            self.memory = max(self.memory, self.server.memory())
            self.count += 1

    def findings(self, what, most_seconds, most_bytes):
        lines = [
            f"{what}: /livez {self.count} times, longest {self.longest * 1000:.0f} ms; memory at most "
            f"{self.memory / 1e6:.0f} MB"
        ]
        if self.failures:
            lines.append(f"bad: {what}: /livez failed {len(self.failures)} times, first {self.failures[0]}")
        if self.longest > most_seconds:
            lines.append(f"bad: {what}: /livez took {self.longest:.2f} s")
        if self.memory > most_bytes:
            lines.append(f"bad: {what}: {self.memory / 1e6:.0f} MB of memory")
        return lines


def closed_after(stream, began, most):
    """Seconds from `began` until the server has closed the connection; None when it has not after `most`."""
    while (left := began + most - time.monotonic()) > 0:
        stream.settimeout(left)
        try:
            if not stream.recv(65536):
                return time.monotonic() - began
        except TimeoutError:
            return None
        except OSError:
            return time.monotonic() - began
    return None
