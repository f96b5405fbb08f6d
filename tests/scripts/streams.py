"""WebSocket and SPDY/3.1, as a server speaks them over asyncio's streams: what a kubelet hears of kubectl's streams.

RFC 6455; SPDY Protocol, draft 3.1.
"""
import asyncio, base64, hashlib, struct, zlib

MOST = 16 << 20  # bytes of a message or a frame


class Ended(Exception):
    """The other side has gone, or is not understood."""


class WebSocket:
    """Messages over a connection that has switched protocols. Only one task may receive."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @staticmethod
    def accepted(key):
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        return base64.b64encode(digest).decode()

    async def receive(self):
        """The next message. None when the other side has closed the connection."""
        message = b""
        while True:
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 127
                if length > 125:
                    length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
                if not second & 128 or len(message) + length > MOST:
                    raise Ended("a client masks its frames, and they are not that long")
                mask = await self.reader.readexactly(4)
                data = await self.reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError):
                return None
            pad = (mask * (length // 4 + 1))[:length]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")
            operation = first & 15
            if operation == 8:
                await self.frame(8, data[:2])
                return None
            if operation == 9:
                await self.frame(10, data)
            elif operation != 10:
                message += data
                if first & 128:
                    return message

    async def send(self, data):
        await self.frame(2, data)

    async def frame(self, operation, data):
        length = len(data)
        if length < 126:
            size = bytes([length])
        elif length < 1 << 16:
            size = b"\x7e" + struct.pack(">H", length)
        else:
            size = b"\x7f" + struct.pack(">Q", length)
        self.writer.write(bytes([128 | operation]) + size + data)
        await self.writer.drain()

    async def close(self):
        await self.frame(8, struct.pack(">H", 1000))


class Tunneled:
    """The bytes of a WebSocket's messages, as a reader and a writer of a connection."""

    def __init__(self, socket):
        self.socket, self.held = socket, b""

    async def readexactly(self, length):
        while len(self.held) < length:
            message = await self.socket.receive()
            if message is None:
                raise asyncio.IncompleteReadError(self.held, length)
            self.held += message
        taken, self.held = self.held[:length], self.held[length:]
        return taken

    async def send(self, data):
        await self.socket.send(data)


# What headers are compressed with: words with their lengths before them, and a text.
WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status").split() + [
    "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"]
TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative "
    "Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 "
    "Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec "
    "00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-"
    "8859-1,utf-,*,enq=0.")
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word.encode() for word in WORDS) + TEXT.encode()

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY, HEADERS = 1, 2, 3, 6, 7, 8
FIN = 1


class SpdyStream:
    def __init__(self, session, number, headers):
        self.session, self.number, self.headers = session, number, headers
        self.heard = asyncio.Queue()

    async def receive(self):
        """Some bytes; none at the end."""
        data = await self.heard.get()
        if not data:
            self.heard.put_nowait(b"")
        return data

    async def send(self, data, flags=0):
        await self.session.write(struct.pack(">II", self.number, flags << 24 | len(data)) + data)

    async def close(self):
        await self.send(b"", FIN)


class Spdy:
    """A session with a client. `run` reads it until it ends; the streams that the client opens wait in `opened`."""

    def __init__(self, reader, write):
        self.reader, self.write = reader, write
        self.opened, self.streams = asyncio.Queue(), {}
        self.inflate, self.deflate = zlib.decompressobj(zdict=DICTIONARY), zlib.compressobj(zdict=DICTIONARY)

    async def run(self):
        try:
            while True:
                await self.frame()
        except (OSError, asyncio.IncompleteReadError, Ended):
            pass
        finally:
            self.opened.put_nowait(None)
            for stream in self.streams.values():
                stream.heard.put_nowait(b"")

    async def frame(self):
        first, second = struct.unpack(">II", await self.reader.readexactly(8))
        flags, length = second >> 24, second & 0xffffff
        data = await self.reader.readexactly(length)
        if not first >> 31:
            stream = self.streams.get(first)
            if stream and data:
                stream.heard.put_nowait(data)
            if stream and flags & FIN:
                stream.heard.put_nowait(b"")
            return
        kind = first & 0xffff
        if first >> 16 & 0x7fff != 3:
            raise Ended("another version")
        if kind == SYN_STREAM:
            number = struct.unpack(">I", data[:4])[0]
            stream = SpdyStream(self, number, self.headers(data[10:]))
            self.streams[number] = stream
            await self.control(SYN_REPLY, 0, struct.pack(">I", number) + self.block({}))
            if flags & FIN:
                stream.heard.put_nowait(b"")
            self.opened.put_nowait(stream)
        elif kind == HEADERS:
            self.headers(data[4:])  # the state of the compression goes on
        elif kind == PING:
            await self.control(PING, 0, data)
        elif kind == RST_STREAM:
            stream = self.streams.pop(struct.unpack(">I", data[:4])[0], None)
            if stream:
                stream.heard.put_nowait(b"")
        elif kind == GOAWAY:
            raise Ended("the client goes")

    def headers(self, block):
        text = self.inflate.decompress(block, MOST)
        count, at, found = struct.unpack(">I", text[:4])[0], 4, {}
        for _ in range(count):
            pair = []
            for _ in range(2):
                length = struct.unpack(">I", text[at:at + 4])[0]
                pair.append(text[at + 4:at + 4 + length].decode())
                at += 4 + length
            found[pair[0].lower()] = pair[1]
        return found

    def block(self, headers):
        text = struct.pack(">I", len(headers))
        for pair in headers.items():
            for part in pair:
                text += struct.pack(">I", len(part)) + part.encode()
        return self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)

    async def control(self, kind, flags, data):
        await self.write(struct.pack(">II", 0x80030000 | kind, flags << 24 | len(data)) + data)
