"""What the outbox promises whatever its mailer does: each message once, none lost, and an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from typing import Any

import pytest

from maydan.accounts.outbox import Outbox, mail_statement
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.errors import Unavailable
from maydan.storage import Store

pytestmark = pytest.mark.anyio

ROOM_S = 30
PATIENT, HASTY = MailSettings(), MailSettings(timeout_s=1)


class Plugin:
    """A mailer that first does with a message what a test wants, and then keeps whom it is for."""

    def __init__(self, first: Callable[[str], Awaitable[None]]) -> None:
        self.sent: list[str] = []
        self._arrivals: asyncio.Queue[str] = asyncio.Queue()
        self._first = first

    async def send(self, messages: Sequence[EmailMessage]) -> None:
        """Keep who gets mail."""
        for message in messages:
            await self._first(message["To"])
            self.sent.append(message["To"])
            self._arrivals.put_nowait(message["To"])

    async def arrive(self, count: int) -> None:
        """Wait until so many more messages were sent."""
        async with asyncio.timeout(ROOM_S):
            for _ in range(count):
                await self._arrivals.get()


def outbox(store: Store, clock: Any, mailer: Any, mail: MailSettings = PATIENT) -> Outbox:
    """Return an outbox, as one process has it."""
    return Outbox(store, clock, mailer, AuthSettings(), mail, "https://site.example")


async def put(store: Store, clock: Any, *names: str) -> None:
    """Have mail wait, in this order."""
    for name in names:
        address = f"{name}@b.example"
        await store.commit([mail_statement("taken", email=address, account_id=None, now=clock.now())])
        clock.forward(0.001)


async def errors(store: Store) -> list[str]:
    """Return why the messages that still wait were not sent."""
    return [str(row[0]) for row in await store.fetch_all("SELECT error FROM maydan_mail WHERE error <> ''")]


async def cancel() -> None:
    """What a plugin's library may raise although nobody cancelled the outbox."""
    raise asyncio.CancelledError


async def end_generator() -> None:
    """What is no ordinary error either."""
    raise GeneratorExit


async def hang() -> None:
    """A server that never answers."""
    await asyncio.Event().wait()


@pytest.mark.parametrize(("harm", "mail"), [(cancel, PATIENT), (end_generator, PATIENT), (hang, HASTY)])
async def test_a_mailer_that_fails_with_one_message_sends_the_others(
    store: Store, clock: Any, harm: Callable[[], Awaitable[None]], mail: MailSettings
) -> None:
    """The message counts as tried and waits for its next try; the outbox goes on, and ends when it is told to."""

    async def first(to: str) -> None:
        if to.startswith("bad"):
            await harm()

    await put(store, clock, "bad", "good")
    mailer = Plugin(first)
    sending = outbox(store, clock, mailer, mail)
    await sending.start()
    await mailer.arrive(1)
    await put(store, clock, "later")
    await mailer.arrive(1)
    async with asyncio.timeout(ROOM_S):
        await sending.stop()
    assert mailer.sent == ["good@b.example", "later@b.example"]
    rows = await store.fetch_all("SELECT email, tries, lease_until, failed_at FROM maydan_mail")
    assert rows == [("bad@b.example", 1, None, None)]
    assert len(await errors(store)) == 1


async def test_a_mailer_that_takes_no_end_does_not_hold_up_the_outbox(store: Store, clock: Any) -> None:
    """One that goes on although it was cancelled is left behind."""
    freed = asyncio.Event()

    async def cling(to: str) -> None:
        while not freed.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await freed.wait()

    await put(store, clock, "ann")
    sending = asyncio.create_task(outbox(store, clock, Plugin(cling), HASTY).deliver_due())
    await asyncio.wait({sending}, timeout=ROOM_S)
    freed.set()
    assert await sending == 0
    assert "was not sent within" in (await errors(store))[0]


async def test_a_stop_waits_for_one_message_and_not_for_all(store: Store, clock: Any) -> None:
    """The others stay for the next start."""
    reached, freed = asyncio.Event(), asyncio.Event()

    async def slowly(to: str) -> None:
        reached.set()
        await freed.wait()

    await put(store, clock, "a", "b", "c")
    mailer = Plugin(slowly)
    sending = outbox(store, clock, mailer)
    await sending.start()
    async with asyncio.timeout(ROOM_S):
        await reached.wait()
        stopping = asyncio.create_task(sending.stop())
        await asyncio.sleep(0)
        freed.set()
        await stopping
    assert mailer.sent == ["a@b.example"]
    rows = await store.fetch_all("SELECT email, tries, lease_until FROM maydan_mail ORDER BY run_at")
    assert rows == [("b@b.example", 0, None), ("c@b.example", 0, None)]


async def test_slow_mail_is_sent_once_however_much_waits(store: Store, clock: Any) -> None:
    """Sending all of it takes longer than a lease; another process that looks meanwhile finds its own part."""

    async def slowly(to: str) -> None:
        clock.forward(20)
        await asyncio.sleep(0)

    mailer = Plugin(slowly)
    one, other = outbox(store, clock, mailer), outbox(store, clock, mailer)
    await put(store, clock, *(f"u{number}" for number in range(20)))

    async def later() -> None:
        await mailer.arrive(8)
        await other.deliver_due()

    await asyncio.gather(one.deliver_due(), later())
    assert len(mailer.sent) == len(set(mailer.sent)) == 20
    assert await store.fetch_all("SELECT id FROM maydan_mail") == []


@pytest.mark.parametrize("is_sent", [True, False])
async def test_who_lost_a_lease_changes_nothing(store: Store, clock: Any, is_sent: bool) -> None:
    """A process that stood still longer than its lease leaves the message to the one that took it over."""
    taken_over, freed = asyncio.Event(), asyncio.Event()
    work: list[asyncio.Task[int]] = []

    async def wait_for_end(to: str) -> None:
        taken_over.set()
        await freed.wait()

    heir = outbox(store, clock, Plugin(wait_for_end))

    async def stand_still(to: str) -> None:
        clock.forward(3600)
        work.append(asyncio.create_task(heir.deliver_due()))
        await taken_over.wait()
        if not is_sent:
            raise Unavailable("The mail server is down.")

    await put(store, clock, "ann")
    async with asyncio.timeout(ROOM_S):
        assert await outbox(store, clock, Plugin(stand_still)).deliver_due() == is_sent
    (row,) = await store.fetch_all("SELECT tries, error, lease_until FROM maydan_mail")
    assert row[:2] == (2, "")
    assert store.dialect.read_time(row[2]) > clock.now()
    freed.set()
    assert await work[0] == 1
    assert await store.fetch_all("SELECT id FROM maydan_mail") == []


async def test_mail_does_not_wait_for_a_clock_that_was_put_back(store: Store, clock: Any, letterbox: Any) -> None:
    """A lease of a process that died, which ends later than any can, is none."""
    reached = asyncio.Event()

    async def die(to: str) -> None:
        reached.set()
        await asyncio.Event().wait()

    await put(store, clock, "ann")
    clock.forward(24 * 3600)
    dying = asyncio.create_task(outbox(store, clock, Plugin(die)).deliver_due())
    async with asyncio.timeout(ROOM_S):
        await reached.wait()
    dying.cancel()
    await asyncio.wait({dying})
    assert dying.cancelled()
    assert await outbox(store, clock, letterbox).deliver_due() == 0
    clock.forward(-23 * 3600)
    assert await outbox(store, clock, letterbox).deliver_due() == 1
