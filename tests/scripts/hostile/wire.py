"""Connections of hostile clients: raw TLS sockets, HTTP/1.1 requests and HTTP/2 frames, written by hand.

Everything goes to loopback. No call waits longer than its timeout.
"""

import socket
import ssl
import struct
import time


class Target:
    """The server under attack, and the identities that it knows."""

    # When the attack, whichever target it has, is to end.
    until = float("inf")

    def __init__(self, port, token, certificate=None):
        self.port, self.token = port, token
        # A file with a known client's certificate and key.
        self.certificate = certificate

    def is_over(self):
        """Whether the attack has had its time."""
        return time.monotonic() > Target.until

    def tcp(self, timeout=5.0):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def tls(self, protocol="http/1.1", timeout=5.0, receive_bytes=None, certified=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        if certified and self.certificate:
            context.load_cert_chain(self.certificate)
        plain = self.tcp(timeout)
        if receive_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            return context.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise

    def head(self, method, path, headers=(), known=True):
        """The bytes of a request's head over HTTP/1.1."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if known:
            lines.append(f"Authorization: Bearer {self.token}")
        lines.extend(f"{name}: {value}" for name, value in headers)
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def ask(self, method, path, body=b"", headers=(), known=True, timeout=10.0):
        """One request over a connection of its own: the status code and the answer's bytes, or None when it broke."""
        headers = [*headers, ("Connection", "close")]
        if body:
            headers.append(("Content-Length", len(body)))
        try:
            with self.tls(timeout=timeout) as stream:
                stream.sendall(self.head(method, path, headers, known) + body)
                answer = bytearray()
                while piece := stream.recv(65536):
                    answer += piece
        except OSError:
            return None
        first = bytes(answer[:15]).split()
        return (int(first[1]), bytes(answer)) if len(first) > 1 and first[1].isdigit() else None


def open_many(count, make):
    """Connections, without those that were refused: that is the server's right. None comes after the attack's time."""
    streams = []
    for _ in range(count):
        if time.monotonic() > Target.until:
            break
        try:
            streams.append(make())
        except OSError:
            continue
    return streams


def sent(stream, data):
    """The connection, on which as much was sent as the server took."""
    try:
        stream.sendall(data)
    except OSError:
        pass
    return stream


def hold(streams, seconds):
    time.sleep(max(0, min(seconds, Target.until - time.monotonic())))
    for stream in streams:
        try:
            stream.close()
        except OSError:
            pass


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header(name, value):
    """A header field as HPACK's literal without indexing and without Huffman codes."""
    name, value = name.encode(), value.encode()
    return b"\x00" + _length(len(name)) + name + _length(len(value)) + value


def _length(number):
    if number < 127:
        return bytes([number])
    out, number = bytearray([127]), number - 127
    while number >= 128:
        out.append(number % 128 | 128)
        number //= 128
    return bytes([*out, number])


def request(target, method, path, known=True, fields=()):
    """The header block of a request."""
    lines = [(":method", method), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", path), *fields]
    if known:
        lines.append(("authorization", f"Bearer {target.token}"))
    return b"".join(header(name, value) for name, value in lines)


def get(target, path, stream, known=True):
    """A whole GET in one HEADERS frame."""
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, request(target, "GET", path, known))


def window(size):
    """The settings of a client that takes so many bytes of each answer at once."""
    return frame(SETTINGS, 0, 0, b"\x00\x04" + struct.pack(">I", size))
