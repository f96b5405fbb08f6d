"""run.py BIN [ATTACK...]: starts a server of its own for each attack, and fails when one of them finds something bad.

Nothing but this machine is spoken to. FLAGS in the environment are further flags of the server. After each attack the
server is told to end while clients are connected that say nothing.
"""

import base64
import importlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import clients

HERE = pathlib.Path(__file__).parent
STOP_SECONDS = 5


def main(binary, names):
    names = names or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("run", "clients"))
    bad = 0
    for name in names:
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            process, server = start(binary, directory)
            try:
                findings = importlib.import_module(name).attack(server)
                if process.poll() is not None:
                    findings.append(f"bad: the server ended with {process.returncode}")
                else:
                    findings += stop(process, server)
            finally:
                process.kill()
                process.wait()
        for line in findings:
            print(line, flush=True)
            bad += line.startswith("bad:")
    return 1 if bad else 0


def start(binary, directory):
    with socket.socket() as probe:
        probe.bind((clients.ADDRESS, 0))
        port = probe.getsockname()[1]
    log = open(pathlib.Path(directory, "log"), "w")
    flags = [f"--data-dir={directory}/data", f"--secure-port={port}", f"--bind-address={clients.ADDRESS}"]
    process = subprocess.Popen(
        [binary, "serve", "--storage=memory", *flags, *os.environ.get("FLAGS", "").split()], stdout=log, stderr=log
    )
    kubeconfig = pathlib.Path(directory, "data", "admin.kubeconfig")
    for _ in range(600):
        if "KUBECONFIG=" in pathlib.Path(directory, "log").read_text() or process.poll() is not None:
            break
        time.sleep(0.1)
    pem = "".join(
        base64.b64decode(re.search(rf"client-{part}-data: (\S+)", kubeconfig.read_text())[1]).decode()
        for part in ("certificate", "key")
    )
    certificate = pathlib.Path(directory, "client.pem")
    certificate.write_text(pem)
    return process, clients.Server(port, process.pid, str(certificate))


def stop(process, server):
    """The server ends soon, although clients are connected that say nothing."""
    silent = []
    for protocol, sent in [
        ("h2", b""),
        ("h2", clients.PREFACE),
        ("h2", clients.PREFACE + clients.frame(clients.SETTINGS)),
        ("http/1.1", b"GET / HT"),
        ("http/1.1", b""),
    ]:
        stream = server.connect(protocol)
        stream.sendall(sent)
        silent.append(stream)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        return ["bad: the server did not end within 20 s of SIGTERM"]
    seconds = time.monotonic() - began
    [stream.close() for stream in silent]
    found = f"ended {seconds:.1f} s after SIGTERM, with code {process.returncode}"
    return [f"bad: {found}" if seconds > STOP_SECONDS or process.returncode else found]


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main(sys.argv[1], sys.argv[2:]))
