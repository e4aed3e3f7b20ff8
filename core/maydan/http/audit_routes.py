"""The audit over HTTP: read, and checked; nothing changes it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from maydan.errors import NotFound
from maydan.events.audit import INSTANCE
from maydan.events.audit_rows import AuditFilter, check_chain, count_rows, find_row, list_rows
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.routing import ADMINISTRATOR, PageQuery, Route, route
from maydan.operations.audit import AuditView, Viewer, read_position

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.events.audit_rows import Checked
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/audit"
_ALL: Final = "/api/audit"


class AuditQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows."""

    actor: str | None = None
    """Id of the account that did it."""
    subject: str | None = None
    """Id of what it was done to."""
    type: str | None = None
    """What was done, such as ``entry.updated``."""
    since: Annotated[datetime, Meta(tz=True)] | None = None
    """Only what was done at this moment or later."""


class AuditPage(Struct, frozen=True, kw_only=True):
    """One page of the audit, the newest first."""

    items: list[AuditView]
    next: str | None
    total: int | None = None


class AuditEnd(Struct, frozen=True, kw_only=True):
    """The last row of a chain; noted elsewhere, it shows also whether a chain was written anew."""

    seq: int
    hash: str


class AuditBreak(Struct, frozen=True, kw_only=True):
    """The first row that does not hold."""

    seq: int
    id: str | None
    """``null`` where the row is missing."""
    reason: str


class AuditCheck(Struct, frozen=True, kw_only=True):
    """What checking a chain found."""

    ok: bool
    rows: int
    """Rows that hold, from the first on."""
    head: AuditEnd
    broken: AuditBreak | None


@route("GET", _LIST, permission="read:audit", query=AuditQuery, answer=AuditPage, tags=("audit",))
async def list_audit(call: Call) -> Answer:
    """List who did what in the space, the newest first."""
    return await _list(call, call.space)


@route("GET", f"{_LIST}/verify", permission="read:audit", answer=AuditCheck, tags=("audit",))
async def verify_audit(call: Call) -> Answer:
    """Check every link of the space's chain, and find the first that does not hold."""
    return _check(await check_chain(call.core.store, call.space.key))


@route("GET", _LIST + "/{id}", permission="read:audit", answer=AuditView, tags=("audit",))
async def get_audit(call: Call) -> Answer:
    """Get one row of the space's audit."""
    return await _get(call, call.space)


@route("GET", _ALL, permission=ADMINISTRATOR, query=AuditQuery, answer=AuditPage, tags=("audit",))
async def list_instance_audit(call: Call) -> Answer:
    """List what was done to accounts, plugins and spaces, the newest first."""
    return await _list(call, None)


@route("GET", f"{_ALL}/verify", permission=ADMINISTRATOR, answer=AuditCheck, tags=("audit",))
async def verify_instance_audit(call: Call) -> Answer:
    """Check every link of the instance's chain, and find the first that does not hold."""
    return _check(await check_chain(call.core.store, INSTANCE))


@route("GET", _ALL + "/{id}", permission=ADMINISTRATOR, answer=AuditView, errors=(404,), tags=("audit",))
async def get_instance_audit(call: Call) -> Answer:
    """Get one row of the instance's audit."""
    return await _get(call, None)


async def _list(call: Call, space: Space | None) -> Answer:
    query: AuditQuery = call.query
    store, chain = call.core.store, INSTANCE if space is None else space.key
    wanted = AuditFilter(actor=query.actor, subject=query.subject, type=query.type, since=query.since)
    viewer = Viewer(call.core, call.caller, space)
    await viewer.prepare()
    return await newest_first(
        call,
        partial(list_rows, store, chain, wanted),
        key=lambda row: str(row.seq),
        view=viewer.view,
        count=partial(count_rows, store, chain, wanted),
    )


async def _get(call: Call, space: Space | None) -> Answer:
    row = await find_row(call.core.store, INSTANCE if space is None else space.key, read_position(call.path["id"]))
    if row is None:
        raise NotFound
    viewer = Viewer(call.core, call.caller, space)
    await viewer.prepare()
    return Answer.json(viewer.view(row))


def _check(checked: Checked) -> Answer:
    broken = checked.broken
    return Answer.json(
        AuditCheck(
            ok=checked.is_whole,
            rows=checked.rows,
            head=AuditEnd(seq=checked.head.seq, hash=checked.head.hash),
            broken=None
            if broken is None
            else AuditBreak(
                seq=broken.seq, id=None if broken.position is None else str(broken.position), reason=broken.reason
            ),
        )
    )


ROUTES: Final[tuple[Route, ...]] = (
    list_audit, verify_audit, get_audit, list_instance_audit, verify_instance_audit, get_instance_audit,
)  # fmt: skip
