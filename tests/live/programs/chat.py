"""A chat over WebSocket: `chat.py serve PORT`, `chat.py talk PORT CLIENTS MESSAGES [pause]`.

The server sends every message back to who sent it. The talkers print what was sent, as JSON:
messages of each kind both ways, pings, and closing codes. With `pause`, each waits for a line on
standard input after its first message.
"""

import asyncio
import collections
import json
import sys

import websockets

BIG_BYTES = 150_000


async def answer(socket, *_):
    """Back to the sender; the word `fail` ends the connection as a server in trouble does."""
    async for message in socket:
        if message == "fail":
            await socket.close(1011, "in trouble")
            return
        await socket.send(message)


async def serve(port):
    """Until it is ended."""
    async with websockets.serve(answer, "127.0.0.1", port, max_size=None, ping_interval=None):
        await asyncio.Future()


def message(number):
    """Text, bytes, and now and then a big one."""
    if number % 10 == 9:
        return "big " * (BIG_BYTES // 4)
    return f"message {number}" if number % 2 else b"bytes %d" % number


async def talk(port, number, messages, go_on, sent):
    """One connection: says everything and hears it again."""
    room = ("lobby", "kitchen")[number % 2]
    compression = "deflate" if number % 3 == 0 else None
    uri = f"ws://127.0.0.1:{port}/rooms/{room}?user={number}"
    async with websockets.connect(
        uri, max_size=None, ping_interval=None, compression=compression
    ) as socket:
        for index in range(messages):
            said = message(index)
            await socket.send(said)
            assert await socket.recv() == said
            sent["TEXT" if isinstance(said, str) else "BINARY"] += 1
            if index == 0:
                await go_on.wait()
            if index % 5 == 0:
                await (await socket.ping())
                sent["PING"] += 1
        if number % 4 == 3:
            await socket.send("fail")
            sent["TEXT"] += 1
            sent["TEXT unanswered"] += 1
            await socket.wait_closed()
            sent["CLOSE 1011"] += 1
        else:
            await socket.close()
            sent["CLOSE 1000"] += 1


async def talk_all(port, clients, messages, pause):
    """All at once."""
    sent, go_on = collections.Counter(), asyncio.Event()
    talks = [asyncio.create_task(talk(port, number, messages, go_on, sent))
             for number in range(clients)]
    if pause:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    go_on.set()
    await asyncio.gather(*talks)
    print(json.dumps(sent))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        asyncio.run(talk_all(*map(int, sys.argv[2:5]), "pause" in sys.argv[5:]))
