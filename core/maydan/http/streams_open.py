"""The streams that are open in this worker: how many, whose, and whether they still may be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from maydan.errors import MaydanError, TooManyRequests, Unavailable
from maydan.http.headers import bearer_token
from maydan.http.streams_outlet import Ending, Outlet

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.http.call import Call
    from maydan.http.settings import StreamsSettings
    from maydan.http.streams import Stream
    from maydan.operations.core import Core

_log: Final = logging.getLogger("maydan.http")
_SCOPES: Final = ("accounts", "policies", "spaces")
_PAUSE_S: Final = 0.5
"""Between two looks at all streams, however often accounts change, or at one whose token expires."""
_RETRY_AFTER_S: Final = 30

Judge = Callable[["Call"], Awaitable[None]]
"""Identifies the caller of a request again and admits it by the rights of now, or raises what it is refused with."""


class OpenStream:
    """One stream that is open."""

    __slots__ = ("_expiring", "_expiry", "_streams", "call", "judge", "key", "outlet", "stream")

    def __init__(self, streams: OpenStreams, call: Call, stream: Stream, judge: Judge, key: str) -> None:
        """Count it; :meth:`close` ends that."""
        self._streams = streams
        self.call = call
        self.stream = stream
        self.judge = judge
        self.key = key
        self.outlet = Outlet(streams.settings.buffer_bytes)
        self._expiry: asyncio.TimerHandle | None = None
        self._expiring: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Count it no more."""
        self._recheck_at(None)
        self._streams.forget(self)

    async def recheck(self) -> None:
        """Judge the caller by the rights of now; end the stream where that says no."""
        if self.outlet.ending is not None:
            return
        try:
            self._recheck_at(await self._streams.end_of(self.call))
            await self.judge(self.call)
        except Unavailable:
            return  # the database may come back; what cannot be read is not said meanwhile
        except MaydanError:
            self.outlet.end(Ending.REVOKED)
            return
        if self.stream.on_caller is not None:
            self.stream.on_caller(self.call.caller)

    async def recheck_safely(self) -> None:
        """Do so, and end the stream where that is not possible: one stream's trouble is not another's."""
        try:
            await self.recheck()
        except Exception:  # noqa: BLE001 - whatever it is, nothing may be told by rights that nobody knows
            _log.exception("The caller of a stream could not be judged again.")
            self.outlet.end(Ending.FAILED)

    def _recheck_at(self, end: datetime | None) -> None:
        """Judge the caller again when their token or session ends."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if end is not None and self.outlet.ending is None:
            left_s = max(self._streams.seconds_until(end), _PAUSE_S)
            self._expiry = asyncio.get_running_loop().call_later(left_s, self._expire)

    def _expire(self) -> None:
        self._expiring = asyncio.create_task(self.recheck_safely(), name="maydan stream expiry")


class OpenStreams:
    """All streams of this worker; nothing runs while there is none."""

    def __init__(self, core: Core, settings: StreamsSettings) -> None:
        """Keep streams within the settings' caps."""
        self.settings = settings
        self.endings: Counter[str] = Counter()
        """How many ended, by reason."""
        self._core = core
        self._open: dict[int, OpenStream] = {}
        self._by_key: Counter[str] = Counter()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most = settings.max_per_worker if files < 0 else min(settings.max_per_worker, files // 2)
        self._has_news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._follows = False
        self._is_stopping = False

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def open(self, call: Call, stream: Stream, judge: Judge) -> OpenStream:
        """Count one more.

        Raises:
            TooManyRequests: The account or the address has as many as it may.
            Unavailable: The worker has as many as it may, or stops.
        """
        if self._is_stopping or len(self._open) >= self._most:
            raise Unavailable("This server keeps as many streams open as it can.", retry_after_s=_RETRY_AFTER_S)
        actor = call.actor
        key, most = f"address {call.address}", self.settings.max_per_address
        if actor.id is not None:
            key, most = f"account {actor.id}", self.settings.max_per_account
        if self._by_key[key] >= most:
            raise TooManyRequests(
                f"You have {most} streams open already; close one first.", retry_after_s=_RETRY_AFTER_S
            )
        opened = OpenStream(self, call, stream, judge, key)
        self._open[id(opened)] = opened
        self._by_key[key] += 1
        self._begin()
        return opened

    def forget(self, opened: OpenStream) -> None:
        """Count one less."""
        if self._open.pop(id(opened), None) is None:
            return
        self._by_key[opened.key] -= 1
        if not self._by_key[opened.key]:
            del self._by_key[opened.key]
        self.endings[(opened.outlet.ending or Ending.GONE).value] += 1
        if not self._open and self._task is not None:
            self._task.cancel()
            self._task = None

    async def end_of(self, call: Call) -> datetime | None:
        """Return when the token or the session of a stream's caller ends."""
        header = call.headers.get(b"authorization")
        token = None if header is None else bearer_token(header)
        return await self._core.authenticator.end_of(call.actor, token)

    def seconds_until(self, moment: datetime) -> float:
        """Return how long it is until then."""
        return (moment - self._core.clock.now()).total_seconds()

    def stop(self) -> None:
        """End all streams and open no more: the worker stops."""
        self._is_stopping = True
        for opened in tuple(self._open.values()):
            opened.outlet.end(Ending.STOPPING)

    def _begin(self) -> None:
        if not self._follows:
            self._follows = True
            for scope in _SCOPES:
                self._core.revisions.on_change(scope, self._changed)
        if self._task is None:
            self._task = asyncio.create_task(self._recheck_for_ever(), name="maydan streams")

    async def _changed(self, _scope: str) -> None:
        self._has_news.set()

    async def _recheck_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.recheck_s):
                    await self._has_news.wait()
            self._has_news.clear()
            for opened in tuple(self._open.values()):
                await opened.recheck_safely()
            await asyncio.sleep(_PAUSE_S)
