from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import pytest
import uvicorn

from maydan.cli import protocol
from maydan.cli.protocol import MAX_HEAD_BYTES, MAX_PROOF_BYTES, Protocol
from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.routing import route

pytestmark = pytest.mark.anyio

Send = Callable[[bytes], Awaitable[tuple[int, dict[str, str], bytes]]]


class Gate:
    """Holds a request up until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()


@route("POST", "/api/echo", public=True, body=dict)
async def echo(call: Call) -> Answer:
    """Echo."""
    return Answer.json({"bytes": len(call.raw)})


@route("GET", "/api/echo", public=True)
async def read(call: Call) -> Answer:
    """Read."""
    return Answer.json({"address": call.address})


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Serve on a free port of the loopback interface, as ``maydan serve`` does."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=Protocol, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def _no_signals() -> AbstractContextManager[None]:
    return nullcontext()


@pytest.fixture
async def send(build: Any) -> AsyncIterator[Send]:
    """Send raw bytes on a connection of their own, and read the answer."""
    async with listening(build([echo, read])) as (_, port):

        async def exchange(raw: bytes) -> tuple[int, dict[str, str], bytes]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            try:
                return await asyncio.wait_for(_read_answer(reader), 10)
            finally:
                writer.close()

        yield exchange


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


def post(body: bytes, *headers: str) -> bytes:
    """Return the bytes of a request."""
    lines = ["POST /api/echo HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunks(*parts: bytes) -> bytes:
    """Return a body in chunked transfer coding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


async def test_a_body_may_come_in_chunks(send: Send) -> None:
    """Without a Content-Length it is read to its end, and counted."""
    status, _, body = await send(post(chunks(b'{"a"', b": 1}"), "Transfer-Encoding: chunked"))
    assert (status, json.loads(body)) == (200, {"bytes": 8})


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\nHost: x\r\n" + b"X-A: %b\r\n" % (b"a" * 1000) * 70 + b"\r\n", 431),
        (b"GET /api/echo HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (2 * MAX_PROOF_BYTES), 431),
        (b"GET /api/echo?a=" + b"a" * (2 * MAX_HEAD_BYTES) + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    ],
    ids=["no HTTP", "bad header", "no host", "two hosts", "a host twice", "headers", "endless header", "long line"],
)
async def test_what_is_no_request_is_told_so_as_a_problem(send: Send, raw: bytes, status: int) -> None:
    """The application never sees it; the limit holds for what has come, before there is an end."""
    answered, headers, body = await send(raw)
    assert (answered, headers["content-type"], headers["connection"]) == (status, "application/problem+json", "close")
    assert json.loads(body)["status"] == status


async def test_headers_within_the_limit_are_taken(send: Send) -> None:
    """Cookies of other applications on the same host may be long."""
    status, _, _ = await send(b"GET /api/echo HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 60_000 + b"\r\n\r\n")
    assert status == 200


async def test_a_host_may_be_left_out_in_the_version_that_had_none(send: Send) -> None:
    """Old probes of load balancers speak HTTP/1.0."""
    status, _, _ = await send(b"GET /api/echo HTTP/1.0\r\n\r\n")
    assert status == 200


async def test_eleven_megabytes_are_refused(send: Send) -> None:
    """By their announced length at once; in chunks as soon as they exceed the limit."""
    announced = await send(post(b"", f"Content-Length: {11 * 1024 * 1024}"))
    large = b" " * (1024 * 1024)
    chunked = await send(post(chunks(*[large] * 11), "Transfer-Encoding: chunked"))
    for status, headers, body in (announced, chunked):
        assert status == 413
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["code"] == "too_large"


async def test_odd_bytes_are_never_an_error_of_ours(send: Send) -> None:
    """Whatever stands in the request line or a header, the answer is a 4xx."""
    for raw in (
        b"GET /api/echo?\xff\xfe=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/echo?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/%c3%28 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/echo HTTP/1.1\r\nHost: x y\r\n\r\n",
        b"GET /api/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"GET /api/echo HTTP/1.1\r\nHost: x\r\nIf-None-Match: \xff\r\n\r\n",
        b"BREW /api/echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        post(b"{}", "Content-Length: 2", "Content-Encoding: gzip"),
        post(b'{"a": "\x00"}', "Content-Length: 10"),
        post(b"\xff\xfe{}", "Content-Length: 4"),
        post(b"[" * 5000, "Content-Length: 5000"),
    ):
        status, _, _ = await send(raw)
        assert 400 <= status < 500, raw


async def test_a_header_with_a_line_break_in_it_does_not_get_through(send: Send) -> None:
    """An id from outside is only taken over where it is harmless."""
    status, headers, _ = await send(b"GET /api/echo HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\tb\r\n\r\n")
    assert status == 200
    assert "\t" not in headers["x-request-id"]


async def test_requests_on_one_connection_do_not_disturb_each_other(build: Any) -> None:
    """A refused body is not read as the next request (request smuggling)."""
    async with listening(build([echo, read])) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        inner = b"GET /api/admin HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(post(inner, f"Content-Length: {len(inner)}") + b"GET /api/echo HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await _read_answer(reader))[0] == 400
        assert (await _read_answer(reader))[0] == 200
        writer.close()


async def test_head_over_the_wire_has_no_body(build: Any) -> None:
    """The next answer on the connection begins where it should."""
    async with listening(build([echo, read])) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HEAD /api/echo HTTP/1.1\r\nHost: x\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"content-length: " in head.lower()
        assert (await _read_answer(reader))[0] == 404
        writer.close()


async def test_a_stop_finishes_what_was_accepted(build: Any) -> None:
    """Requests in flight are answered, new connections are not taken."""
    gate = Gate()

    @route("POST", "/api/slow", public=True)
    async def slow(call: Call) -> Answer:
        gate.reached.set()
        await gate.opened.wait()
        return Answer.json("done")

    async with listening(build([slow])) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await gate.reached.wait()
        server.should_exit = True
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        gate.opened.set()
        assert (await _read_answer(reader))[2] == b'"done"'
        writer.close()


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n",
        b"GET /api/echo HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
)
async def test_nobody_holds_a_connection_by_sending_nothing(
    build: Any, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    """Before a request, in its head and in its body; the connection is closed."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.05)
    monkeypatch.setattr(protocol, "SILENCE_S", 0.05)
    async with listening(build([echo, read])) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                await reader.read()
        writer.close()


async def test_a_slow_body_is_waited_for(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it goes on."""
    monkeypatch.setattr(protocol, "SILENCE_S", 1.5)
    async with listening(build([echo, read])) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
        )
        for byte in b'{"a": 1}':
            await asyncio.sleep(0.25)
            writer.write(bytes([byte]))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
