"""``Idempotency-Key``: the first request with a key is carried out, the others get its answer.

A request claims its key in a commit of its own, runs, and stores its answer: in the operation's transaction where the
route uses ``call.seal`` (then a crash leaves either both or nothing), else right after. A claim whose process died is
free again when its lease ends; until then the key answers 409. The key itself is not stored, only hashes with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from maydan.access.actors import token_of
from maydan.errors import Conflict, IdempotencyRunning, InvalidInput, Malformed
from maydan.http.answers import Answer
from maydan.http.call import LargeCall
from maydan.http.keeping import pack_answer, unpack_answer
from maydan.http.spooling import KeptElsewhere
from maydan.ids import new_id
from maydan.storage.ports import Duplicate, GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.http.settings import ServerSettings
    from maydan.storage.ports import Store

HEADER: Final = b"idempotency-key"
NOT_KEPT: Final = frozenset({401, 403, 404, 429, 503})
"""Refusals after which the same request may succeed: they free the key, all others are answers to be repeated."""

_SPACE: Final = "space"
_PREFER: Final = "Prefer"
"""Says how something is to be done (RFC 7240), while all other headers of routes say who asks."""
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_TRIES: Final = 3
_SELECT: Final = "SELECT fingerprint, holder, answer, lease_until, expires_at FROM maydan_idempotency WHERE scope = ?"
_INSERT: Final = (
    "INSERT INTO maydan_idempotency (scope, fingerprint, holder, created_at, lease_until, expires_at)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_TAKE: Final = (
    "UPDATE maydan_idempotency SET fingerprint = ?, holder = ?, answer = NULL, created_at = ?, lease_until = ?,"
    " expires_at = ? WHERE scope = ? AND holder = ?"
)
_DONE: Final = "UPDATE maydan_idempotency SET answer = ? WHERE scope = ? AND holder = ? AND answer IS NULL"
_FREE: Final = "DELETE FROM maydan_idempotency WHERE scope = ? AND holder = ? AND answer IS NULL"
_LET_GO: Final = "UPDATE maydan_idempotency SET lease_until = ? WHERE scope = ? AND holder = ? AND answer IS NULL"
_PURGE: Final = "DELETE FROM maydan_idempotency WHERE expires_at < ?"
_PURGE_PROGRESS: Final = "DELETE FROM maydan_bulk_progress WHERE expires_at < ?"
_PROLONG_PROGRESS: Final = "UPDATE maydan_bulk_progress SET expires_at = ? WHERE scope = ?"
_FORGET_PROGRESS: Final = "DELETE FROM maydan_bulk_progress WHERE scope = ?"


class Claim:
    """A key that this request holds."""

    __slots__ = (
        "_rights",
        "_secret",
        "_secret_route",
        "expires_at",
        "goes_on",
        "holder",
        "is_sealed",
        "is_under_way",
        "scope",
    )

    def __init__(
        self, scope: str, holder: str, *, secret: bytes, secret_route: bool, rights: str, expires_at: datetime
    ) -> None:
        """Hold the key whose row has this scope and holder."""
        self.scope = scope
        self.holder = holder
        self.expires_at = expires_at
        self.goes_on = False
        """Whether an earlier request with the key ended without an answer."""
        self.is_under_way = False
        """Whether a part of what was asked for is stored, so that the same request has to go on after it."""
        self._secret = secret
        self._secret_route = secret_route
        self._rights = rights
        self.is_sealed = False
        """Whether the operation was given the statements that store the answer."""

    def done(self, answer: Answer) -> Sequence[Statement]:
        """Return the statements that store the answer; their guard fails if another request took the key over."""
        self.is_sealed = True
        kept = pack_answer(answer, self._secret, is_secret=self._secret_route, rights=self._rights)
        done = Statement(_DONE, (kept, self.scope, self.holder), expect=1)
        if isinstance(answer, KeptElsewhere):
            return (done, Statement(_PROLONG_PROGRESS, (self.expires_at, answer.scope)))
        return (done,)

    async def keep(self, store: Store, answer: Answer) -> None:
        """Store the answer now, unless it is stored already."""
        try:
            await store.commit(self.done(answer))
        except GuardFailed:
            return

    async def free(self, store: Store) -> None:
        """Let the key be used again: as if there had been no request, or to go on with it."""
        if self.is_under_way:
            await store.commit([Statement(_LET_GO, (datetime.now(UTC), self.scope, self.holder))])
            return
        freed = Statement(_FREE, (self.scope, self.holder))
        await store.commit([freed, Statement(_FORGET_PROGRESS, (self.scope,))])


def read_key(headers: dict[bytes, bytes], *, required: bool) -> bytes | None:
    """Return the key of a request.

    Raises:
        Malformed: It is missing but required, or not 1 to 255 visible ASCII characters.
    """
    key = headers.get(HEADER)
    if key is None:
        if required:
            raise Malformed(
                "This request needs an Idempotency-Key: a new UUID for each attempt that is meant as a new one.",
                code="idempotency_key_required",
            )
        return None
    if not _KEY.fullmatch(key):
        raise Malformed("The Idempotency-Key must be 1 to 255 visible ASCII characters.", code="bad_idempotency_key")
    return key


async def claim(call: Call, key: bytes, settings: ServerSettings) -> Claim | Answer:
    """Claim the key for this request, or return the answer of the first one.

    Raises:
        InvalidInput: The key was used for another request (``idempotency_key_reused``).
        Conflict: It was answered by other rights than the caller has now (``idempotency_rights_changed``).
        IdempotencyRunning: The first request is still running.
    """
    store = call.core.store
    secret = _secret(call, key)
    scope = hashlib.blake2b(b"scope", key=secret, digest_size=32).hexdigest()
    body = call.spool.digest() if isinstance(call, LargeCall) and call.spool is not None else call.raw
    asked = b"\0".join([call.query_string, *_headers(call, of_caller=False), body])
    fingerprint = hashlib.blake2b(asked, key=secret, digest_size=32).hexdigest()
    expiry, rights = _expiry(call.core.clock.now(), settings), await _rights(call)
    mine = Claim(
        scope, new_id(), secret=secret, secret_route=call.route.secret_answer, rights=rights, expires_at=expiry
    )
    for _ in range(_TRIES):
        now = call.core.clock.now()
        row = await store.fetch_point(_SELECT, scope)
        times = (now, now + timedelta(seconds=settings.idempotency_lease_s), expiry)
        forgotten: list[Statement] = []
        if row is None:
            statement = Statement(_INSERT, (scope, fingerprint, mine.holder, *times))
        else:
            known, holder, answer, lease_until, expires_at = row
            if store.dialect.read_time(expires_at) > now:
                _check_same(known, fingerprint)
                if answer is not None:
                    return _repeated(answer, secret, rights)
                _check_lease(store.dialect.read_time(lease_until), now)
                mine.goes_on = True
            else:
                forgotten = [Statement(_FORGET_PROGRESS, (scope,))]
            statement = Statement(_TAKE, (fingerprint, mine.holder, *times, scope, holder), expect=1)
        try:
            await store.commit([statement, *forgotten])
        except (Duplicate, GuardFailed):
            continue
        return mine
    raise IdempotencyRunning("Another request with this Idempotency-Key is running; ask again.", retry_after_s=1)


async def purge(store: Store, now: datetime) -> None:
    """Delete the answers whose time is over; to be called now and then."""
    await store.commit([Statement(_PURGE, (now,)), Statement(_PURGE_PROGRESS, (now,))])


def _expiry(now: datetime, settings: ServerSettings) -> datetime:
    return now + timedelta(hours=settings.idempotency_hours)


def _secret(call: Call, key: bytes) -> bytes:
    """Return what only this caller with this key on this path can name: it locates, compares and hides the answer."""
    actor = call.caller.actor
    parts = [actor.kind, actor.id or "", token_of(actor) or "", call.route.method, call.url_path]
    if _SPACE in call.route.names:
        # A space that is made again under the name of one that is gone is another one.
        parts.append(str(call.space.key))
    identity = b"\0".join([*(part.encode() for part in parts), *_headers(call, of_caller=True), key])
    return hashlib.blake2b(identity, key=call.core.secret[:64], digest_size=32).digest()


async def _rights(call: Call) -> str:
    """Return a hash of all that the caller's roles let them do in the space of the path, and of what they are denied.

    Who has lost a right is told no more what it let them see; nothing is carried out again for that.
    """
    if _SPACE not in call.route.names:
        return ""
    return (await call.core.snapshots.get(call.space)).rights_of(call.actor)


def _repeated(answer: str, secret: bytes, rights: str) -> Answer:
    repeated = unpack_answer(answer, secret, rights=rights)
    if repeated is None:
        raise Conflict(
            "Your rights here are others than when this was answered; look for what the first request has done.",
            code="idempotency_rights_changed",
        )
    return repeated


def _headers(call: Call, *, of_caller: bool) -> list[bytes]:
    """Return what the route's headers say of who asks, or else of what is asked."""
    headers = (header for header in call.route.headers if (header.name != _PREFER) is of_caller)
    return [(call.header(header.name) or "").encode() for header in headers]


def _check_same(known: str, fingerprint: str) -> None:
    if known != fingerprint:
        raise InvalidInput(
            "This Idempotency-Key was used for another request; use a new one.", code="idempotency_key_reused"
        )


def _check_lease(lease_until: datetime, now: datetime) -> None:
    if lease_until > now:
        raise IdempotencyRunning("The first request with this Idempotency-Key is still running.", retry_after_s=1)
