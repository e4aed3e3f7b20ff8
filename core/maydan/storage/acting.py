"""Who acts at the moment: so that what is written below the operations knows in whose request it happens."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from maydan.storage.log import Event, event_statement
from maydan.storage.ports import Statement


class Acting(Struct, frozen=True):
    """Who acts, in which request; the system by default."""

    actor_id: str | None = None
    request_id: str = ""
    reason: str = ""
    """Why the system acts, such as the command that an operator gave; for the audit alone."""


ACTING: Final[ContextVar[Acting]] = ContextVar("maydan_acting", default=Acting())  # noqa: B039 - it is frozen
"""Set for each request once it is known who calls."""


def change_statement(
    kind: str,
    subject: tuple[str, str],
    *,
    at: datetime,
    space_key: int | None = None,
    version: int | None = None,
    data: dict[str, Any] | None = None,
) -> Statement:
    """Return the part of a batch that notes a change of a setting or an account in the log, by whoever acts.

    Args:
        kind: The event's type, such as ``role.changed``.
        subject: Kind and id of what was changed.
        at: When.
        space_key: ``None`` for what concerns the whole instance.
        version: The subject's version from now on.
        data: What changed, for the audit; never passwords or tokens.
    """
    acting = ACTING.get()
    reason = {"reason": acting.reason} if acting.reason else {}
    event = Event(
        type=kind, space_key=space_key, subject_type=subject[0], subject_id=subject[1], version=version,
        actor_id=acting.actor_id, at=at, request_id=acting.request_id, data={**reason, **(data or {})},
    )  # fmt: skip
    return event_statement(event)
