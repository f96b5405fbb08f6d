"""A kubelet as a server's requests reach it: logs, commands, attached processes and forwarded ports, over HTTPS, with
WebSocket and SPDY. What it calls a container is a directory and a process of this host; its commands are run for real.

Kubernetes: pkg/kubelet/server/server.go, staging/src/k8s.io/{streaming,cri-streaming}
"""
import asyncio, datetime, json, ssl, threading, urllib.parse

from streams import Spdy, Tunneled, WebSocket

COMMANDS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
TUNNEL = "SPDY/3.1+portforward.k8s.io"
STDIN, STDOUT, STDERR, ERROR, CLOSED = 0, 1, 2, 3, 255
NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr", ERROR: "error"}
SUCCESS = {"metadata": {}, "status": "Success"}


def exit_status(code):
    return SUCCESS if code == 0 else {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}


class Container:
    """A directory, and a process whose lines are its log."""

    def __init__(self, directory, command):
        self.directory, self.command = directory, command
        self.lines, self.changed, self.has_ended, self.stdin = [], asyncio.Condition(), False, None

    async def run(self):
        process = await asyncio.create_subprocess_exec(
            *self.command, cwd=self.directory, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.stdin = process.stdin
        try:
            while line := await process.stdout.readline():
                await self.note(line)
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            self.has_ended = True
            await self.note(None)

    async def note(self, line):
        async with self.changed:
            if line is not None:
                self.lines.append((datetime.datetime.now(datetime.timezone.utc), line))
            self.changed.notify_all()

    async def after(self, index):
        """The lines from one on, when there are some; none when the process has ended."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.lines) > index or self.has_ended)
            return self.lines[index:]


class WebSocketChannels:
    """The channels of a command, as messages that begin with a channel's number."""

    def __init__(self, socket):
        self.socket = socket

    async def open(self, _wanted):
        pass

    async def receive(self):
        """Some bytes of standard input; none at its end."""
        while message := await self.socket.receive():
            if message[0] == STDIN and len(message) > 1:
                return message[1:]
            if message[0] == CLOSED and message[1:] == bytes([STDIN]):
                break
        return b""

    async def send(self, channel, data):
        await self.socket.send(bytes([channel]) + data)

    async def finish(self, status):
        await self.send(ERROR, json.dumps(status).encode())
        await self.socket.close()


class SpdyChannels:
    """The channels of a command, as streams that the client opens."""

    def __init__(self, session):
        self.session, self.streams = session, {}

    async def open(self, wanted):
        while not {NAMES[channel] for channel in [ERROR, *wanted]} <= set(self.streams):
            stream = await self.session.opened.get()
            if stream is None:
                raise ConnectionError("the client has gone")
            self.streams[stream.headers["streamtype"]] = stream

    async def receive(self):
        return await self.streams["stdin"].receive()

    async def send(self, channel, data):
        await self.streams[NAMES[channel]].send(data)

    async def finish(self, status):
        await self.send(ERROR, json.dumps(status).encode())
        for stream in self.streams.values():
            await stream.close()


class Kubelet:
    """Listens on an address, for clients with a certificate that an authority has issued."""

    def __init__(self, address, certificate, key, authority):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.load_verify_locations(authority)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.containers, self.requests, self.tasks = {}, [], set()
        # Whether it is one of 1.36, which speaks WebSocket, or an older one.
        self.speaks_websocket = True
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.port = self.wait(self.listen(address))

    def wait(self, what):
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(30)

    async def listen(self, address):
        server = await asyncio.start_server(self.serve, address, 0, ssl=self.context)
        return server.sockets[0].getsockname()[1]

    def add(self, namespace, pod, name, directory, command):
        async def add():
            container = self.containers[namespace, pod, name] = Container(directory, command)
            self.tasks.add(self.loop.create_task(container.run()))
        self.wait(add())

    def close(self):
        """Ends the processes of containers."""
        async def close():
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        self.wait(close())

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {}
            for line in filter(None, head[1:]):
                name, value = line.split(": ", 1)
                headers[name.lower()] = ",".join(filter(None, [headers.get(name.lower()), value]))
            await self.answer(method, target, headers, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def answer(self, method, target, headers, reader, writer):
        parts = urllib.parse.urlsplit(target)
        query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.requests.append((method, target, headers))
        what, _, place = parts.path.lstrip("/").partition("/")
        place = place.split("/")
        if what == "containerLogs" and len(place) == 3:
            return await self.log(tuple(place), query, writer)
        if what in ("exec", "attach") and len(place) == 3:
            return await self.command(what, tuple(place), query, headers, reader, writer)
        if what == "portForward" and len(place) == 2:
            return await self.forward(headers, reader, writer)
        if what == "healthz":
            return await say(writer, 200, b"ok")
        if what == "pods":
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            return await say(writer, 200, json.dumps({"method": method, "body": body.decode()}).encode())
        await say(writer, 404, b"404 page not found\n")

    async def log(self, place, query, writer):
        container = self.containers.get(place)
        if container is None:
            return await say(writer, 404, f"container {place[2]!r} not found in pod {place[1]!r}".encode())
        if "previous" in query:
            why = f'previous terminated container "{place[2]}" in pod "{place[1]}" not found'
            return await say(writer, 400, why.encode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        index = max(0, len(container.lines) - int(query["tailLines"][0])) if "tailLines" in query else 0
        room = int(query["limitBytes"][0]) if "limitBytes" in query else 1 << 40
        lines = container.lines[index:]
        while True:
            for time, line in lines:
                line = time.isoformat().replace("+00:00", "Z").encode() + b" " + line if "timestamps" in query else line
                line = line[:room]
                room -= len(line)
                if line:
                    writer.write(b"%x\r\n%s\r\n" % (len(line), line))
            await writer.drain()
            index += len(lines)
            if "follow" not in query or not room:
                break
            lines = await container.after(index)
            if not lines:
                break
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def command(self, what, place, query, headers, reader, writer):
        container = self.containers.get(place)
        if container is None:
            return await say(writer, 404, b"pod does not exist\n")
        wanted = [channel for channel, name in [(STDIN, "input"), (STDOUT, "output"), (STDERR, "error")] if name in query]
        channels, session = await self.switched(headers, reader, writer, COMMANDS, WebSocketChannels)
        if channels is None:
            return
        try:
            await channels.open(wanted)
            if what == "exec":
                await self.execute(container, query.get("command", []), wanted, channels)
            else:
                await self.attach(container, wanted, channels)
        finally:
            if session:
                session.cancel()

    async def switched(self, headers, reader, writer, protocols, by_websocket):
        """The channels in the protocol that the client asks for, and the task that reads them, if they need one."""
        upgrade = headers.get("upgrade", "").lower()
        if upgrade == "websocket":
            offered = [word.strip() for word in headers.get("sec-websocket-protocol", "").split(",")]
            # Kubelets before 1.36 know the earlier protocols only.
            known = [one for one in protocols if self.speaks_websocket or one == "v4.channel.k8s.io"]
            protocol = next((one for one in offered if one in known), None)
            if protocol is None:
                await say(writer, 403, b"unable to upgrade: none of the protocols is known\n")
                return None, None
            await switch(writer, "websocket", {
                "Sec-WebSocket-Accept": WebSocket.accepted(headers["sec-websocket-key"]),
                "Sec-WebSocket-Protocol": protocol})
            return by_websocket(WebSocket(reader, writer)), None
        if upgrade == "spdy/3.1":
            offered = headers.get("x-stream-protocol-version", "").replace(" ", "").split(",")
            protocol = next((one for one in ["v4.channel.k8s.io", "portforward.k8s.io"] if one in offered), offered[0])
            await switch(writer, "SPDY/3.1", {"X-Stream-Protocol-Version": protocol})

            async def write(data):
                writer.write(data)
                await writer.drain()
            session = Spdy(reader, write)
            return SpdyChannels(session), self.loop.create_task(session.run())
        await say(writer, 400, b"you must specify a protocol to upgrade to\n")
        return None, None

    async def execute(self, container, command, wanted, channels):
        pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=container.directory, stdin=pipe if STDIN in wanted else none,
                stdout=pipe if STDOUT in wanted else none, stderr=pipe if STDERR in wanted else none)
        except OSError as error:
            return await channels.finish({"metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
                                          "message": f"error executing command in container: {error}"})

        async def copy_in():
            try:
                while data := await channels.receive():
                    process.stdin.write(data)
                    await process.stdin.drain()
                process.stdin.close()
            except OSError:
                pass  # the process reads no more

        async def copy_out(channel, pipe):
            while data := await pipe.read(32768):
                await channels.send(channel, data)
        copying = self.loop.create_task(copy_in()) if STDIN in wanted else None
        outputs = [(STDOUT, process.stdout), (STDERR, process.stderr)]
        try:
            await asyncio.gather(*(copy_out(channel, pipe) for channel, pipe in outputs if pipe))
            await channels.finish(exit_status(await process.wait()))
        finally:
            if copying:
                copying.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def attach(self, container, wanted, channels):
        index = len(container.lines)

        async def copy_in():
            # The end of one client's input is not that of the process, which others can attach to.
            while data := await channels.receive():
                container.stdin.write(data)
                await container.stdin.drain()
        copying = self.loop.create_task(copy_in()) if STDIN in wanted else None
        try:
            while lines := await container.after(index):
                index += len(lines)
                for _, line in lines:
                    await channels.send(STDOUT, line)
            await channels.finish(SUCCESS)
        finally:
            if copying:
                copying.cancel()

    async def forward(self, headers, reader, writer):
        """Streams to ports, in pairs: what goes through, and what went wrong."""
        def tunneled(socket):
            tunnel = Tunneled(socket)
            session = Spdy(tunnel, tunnel.send)
            session.task = self.loop.create_task(session.run())
            return SpdyChannels(session)
        channels, task = await self.switched(headers, reader, writer, [TUNNEL], tunneled)
        if channels is None:
            return
        waiting, joined = {}, set()
        try:
            while stream := await channels.session.opened.get():
                pair = waiting.setdefault(stream.headers.get("requestid", ""), {})
                pair[stream.headers["streamtype"]] = stream
                if len(pair) == 2:
                    joined.add(self.loop.create_task(join(pair["data"], pair["error"])))
        finally:
            for one in [*joined, task or channels.session.task]:
                one.cancel()


async def join(data, errors):
    """Joins a stream with the port that it names on this host."""
    port = data.headers["port"]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    except OSError as error:
        await errors.send(f"failed to connect to localhost:{port} inside the pod: {error}".encode())
        await errors.close()
        return await data.close()

    async def out():
        while heard := await data.receive():
            writer.write(heard)
            await writer.drain()
        writer.write_eof()

    async def back():
        while heard := await reader.read(32768):
            await data.send(heard)
        await data.close()
        await errors.close()
    try:
        await asyncio.gather(out(), back())
    finally:
        writer.close()


async def switch(writer, protocol, headers):
    lines = [f"{name}: {value}" for name, value in {"Connection": "Upgrade", "Upgrade": protocol, **headers}.items()]
    writer.write("\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode())
    await writer.drain()


async def say(writer, status, body):
    writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
    await writer.drain()
