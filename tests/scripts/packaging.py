#!/usr/bin/env python3
"""What a package relies on: the server tells a service manager that it is ready and, again and again, that it still
answers; it is silent while it stands still.

    packaging.py BIN
"""
import os, signal, socket, sys, time

from party import Server, check, finish, path

notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(path("notices"))


def notice(seconds):
    """What the service manager is told next, or None."""
    notices.settimeout(seconds)
    try:
        return notices.recv(100).decode()
    except TimeoutError:
        return None


os.environ.update({"NOTIFY_SOCKET": path("notices"), "WATCHDOG_USEC": "1000000"})
server = Server(sys.argv[1], "no kubectl")
check("the first notice", notice(10), "READY=1\n")
for _ in range(3):
    check("a notice of one that answers", notice(5), "WATCHDOG=1\n")
server.process.send_signal(signal.SIGSTOP)
# One that was sent before may still be there.
time.sleep(0.2)
notice(0.1)
check("a notice of one that stands still", notice(2), None)
server.process.send_signal(signal.SIGCONT)
check("a notice of one that goes on", notice(5), "WATCHDOG=1\n")
server.process.terminate()
check("its exit code", server.process.wait(60), 0)
finish("packaging")
