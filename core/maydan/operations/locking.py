"""What an edit lock means to whoever writes: who is stopped, and what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.errors import Conflict
from maydan.storage.locks import Writer

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope
    from maydan.storage.locks import Lock


def writer_of(scope: Scope) -> Writer | None:
    """Return whom the locks of others stop at this moment; ``None`` is the system, which carries out what was planned.

    A token writes as its maker, so it is not stopped by the lock of its maker.
    """
    actor = scope.caller.actor
    return None if actor.kind == "system" else Writer(account_id=actor.id, at=scope.core.clock.now())


def refusal(scope: Scope, lock: Lock) -> Conflict:
    """Return the error for a write to what somebody else has locked."""
    error = Conflict(
        "Somebody else is editing this entry; try again when the lock is free.",
        code="locked",
        expires_at=to_text(lock.expires_at),
    )
    if may_know_holder(scope):
        error.facts["holder"] = {"id": lock.holder_id, "name": lock.holder_name}
    return error


def may_know_holder(scope: Scope) -> bool:
    """Tell whether the caller learns who holds a lock: as who wrote what, that is for who may read drafts."""
    action = Action.READ_DRAFT if scope.type.drafts else Action.UPDATE
    decision = scope.decide(action)
    return scope.caller.actor.kind != "anonymous" and not decision.denied and decision.row is None
