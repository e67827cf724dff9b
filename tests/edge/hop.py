"""A hop made of a script: it says what a test tells it to, and keeps what it hears, read by read."""

import asyncio
from contextlib import asynccontextmanager

PIPELINING = "250-hop\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 SMTPUTF8"


class ScriptedHop:
    """`says` maps the start of a command to the reply: text, or a list whose items are used up in turn.

    "greeting" and "." are the replies at the start and to the dot; None hangs up. A 421 hangs up, too.
    """

    def __init__(self, **says):
        self.says = {"greeting": "220 hop", "EHLO": PIPELINING, "DATA": "354 go on", **says}
        self.sessions, self.reads, self.commands, self.mails = 0, [], [], []
        self.port = 0
        self.writers = []
        self.slow = asyncio.Event()
        self.slow.set()

    async def serve(self, reader, writer):
        self.sessions += 1
        self.writers.append(writer)
        try:
            if self._answer(writer, "greeting"):
                await self._talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _talk(self, reader, writer):
        buffer, content = b"", None
        while data := await reader.read(65536):
            await self.slow.wait()
            self.reads.append(data)
            buffer += data
            while True:
                if content is not None:
                    content += buffer
                    buffer = b""
                    end = content.find(b"\r\n.\r\n", max(len(content) - len(data) - 5, 0))
                    if end < 0:
                        break
                    self.mails.append(bytes(content[2 : end + 2]))
                    buffer, content, command = bytes(content[end + 5 :]), None, "."
                else:
                    line, end, rest = buffer.partition(b"\r\n")
                    if not end:
                        break
                    buffer, command = rest, line.decode()
                    self.commands.append(command)
                if not self._answer(writer, command):
                    return
                if command == "DATA" and self.last.startswith("354"):
                    content = bytearray(b"\r\n")

    def _answer(self, writer, command):
        reply = next((said for start, said in self.says.items() if command.startswith(start)), "250 2.0.0 Ok")
        if isinstance(reply, list):
            reply = reply.pop(0) if reply else "250 2.0.0 Ok"
        self.last = reply or ""
        if reply is None:
            return False
        writer.write(reply.encode() + b"\r\n")
        return not reply.startswith("421") and command != "QUIT"

    def hang_up(self):
        for writer in self.writers:
            writer.close()


@asynccontextmanager
async def scripted(**says):
    hop = ScriptedHop(**says)
    server = await asyncio.start_server(hop.serve, "127.0.0.1", 0)
    hop.port = server.sockets[0].getsockname()[1]
    try:
        yield hop
    finally:
        hop.slow.set()
        server.close()
        hop.hang_up()
        await server.wait_closed()
        await asyncio.sleep(0)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what a peer does sets no event of ours
            await asyncio.sleep(0.01)
