"""The parts of a stream that need no server: the buffer, the frames, who asks for one."""

from __future__ import annotations

import asyncio

import pytest

from maydan.http.routing import PUBLIC, Route
from maydan.http.streams_frames import stream_frame, wants_stream
from maydan.http.streams_outlet import Ending, Outlet

pytestmark = pytest.mark.anyio


async def test_what_waits_comes_at_once_and_in_order() -> None:
    """One send carries all that came meanwhile."""
    outlet = Outlet(100)
    assert outlet.offer(b"a")
    assert await outlet.put(b"b")
    assert await outlet.take(1) == b"ab"
    assert await outlet.take(0.001) == b""


async def test_a_reader_for_whom_too_much_waits_is_cut_off() -> None:
    """The buffer is a number of bytes; what waited is let go at once."""
    outlet = Outlet(10)
    assert outlet.offer(b"x" * 10)
    assert not outlet.offer(b"y")
    assert outlet.ending is Ending.SLOW
    assert await outlet.take(1) is None
    assert not await outlet.put(b"z")


async def test_a_single_frame_may_be_larger_than_the_buffer() -> None:
    """Else it could never be sent."""
    outlet = Outlet(10)
    assert outlet.offer(b"x" * 50)
    assert await outlet.take(1) == b"x" * 50


async def test_a_writer_who_can_wait_waits_for_room() -> None:
    """Old changes come from the log as fast as they are taken, and no faster."""
    outlet = Outlet(10)
    await outlet.put(b"x" * 10)
    writing = asyncio.create_task(outlet.put(b"y"))
    await asyncio.sleep(0)
    assert not writing.done()
    assert await outlet.take(1) == b"x" * 10
    assert await writing
    assert await outlet.take(1) == b"y"


async def test_what_was_written_before_the_end_is_still_sent() -> None:
    """Only who may not read it any more, or does not read, loses it."""
    done, revoked = Outlet(10), Outlet(10)
    for outlet, ending in ((done, Ending.DONE), (revoked, Ending.REVOKED)):
        outlet.offer(b"x")
        outlet.end(ending)
    assert [await done.take(1), await done.take(1)] == [b"x", None]
    assert await revoked.take(1) is None
    done.end(Ending.SLOW)
    assert done.ending is Ending.DONE


def test_a_frame_has_a_line_for_each_line_of_the_data() -> None:
    """Whatever the line breaks (HTML Living Standard, 9.2.6)."""
    assert stream_frame(b"a\r\nb\rc", event="e", id="1") == b"id: 1\nevent: e\ndata: a\ndata: b\ndata: c\n\n"
    with pytest.raises(ValueError, match="one line"):
        stream_frame(b"", event="a\ndata: b")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/event-stream", True),
        ("application/json;q=0.5, Text/Event-Stream; charset=utf-8", True),
        ("text/event-stream;q=0, */*", False),
        ("text/event-stream;q=0.0", False),
        ("text/event-stream;q=0.1", True),
    ],
)
def test_a_stream_is_asked_for_by_name(accept: str | None, wanted: bool) -> None:
    """``*/*`` is a page: most clients send it without thinking."""
    assert wants_stream(accept) is wanted


def test_a_route_that_streams_takes_tickets() -> None:
    """A browser has no other way to say who it is."""

    async def handler() -> None: ...

    with pytest.raises(ValueError, match="ticket"):
        Route(method="GET", path="/api/x", handler=handler, permission=PUBLIC, stream=True)  # type: ignore[arg-type]
