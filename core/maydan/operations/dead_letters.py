"""Events that a subscriber or a webhook could not take, for those who manage webhooks: look at them, try them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.errors import Conflict, NotFound
from maydan.events import dead_letters
from maydan.events.dead_letters import DeadLetter, deleted_statement
from maydan.events.webhooks.deliveries import wanted
from maydan.events.webhooks.records import find_webhook
from maydan.ids import is_id
from maydan.operations.event_views import CloudEvent, event_views
from maydan.operations.spaces import require_space_action
from maydan.storage.log import find_event, find_events
from maydan.storage.ports import GuardFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core

_WEBHOOK = "webhook."


class DeadLetterView(Struct, frozen=True, kw_only=True):
    """An event that could not be handed over, however often it was tried."""

    id: str
    subscriber: str
    """``plugin.<name>`` or ``webhook.<id>``."""
    position: str
    """Of the event in the log."""
    event: CloudEvent | None
    """As far as the caller may know of it now."""
    attempts: int
    error: str
    """Of the last try."""
    created_at: str


class DeadLetterPage(Struct, frozen=True, kw_only=True):
    """One page of dead letters, the newest first."""

    items: list[DeadLetterView]
    next: str | None
    total: int | None = None


async def list_dead_letters(
    core: Core,
    caller: Caller,
    space: Space,
    *,
    limit: int,
    cursor: str | None = None,
    offset: int = 0,
    count: bool = False,
) -> DeadLetterPage:
    """Return one page of a space's dead letters.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller does not manage the space's webhooks.
        BadCursor: It was altered, or belongs to another list.
    """
    await require_space_action(core, caller, space, Action.MANAGE_WEBHOOKS)
    fingerprint = f"dead-letters:{space.key}".encode()
    before: str | None = None if cursor is None else decode_cursor(core.secret, fingerprint, cursor)[0]
    found = await dead_letters.list_dead_letters(
        core.store, space_key=space.key, before=before, limit=limit + 1, offset=offset
    )
    shown = found[:limit]
    return DeadLetterPage(
        items=await _views(core, caller, space, shown),
        next=encode_cursor(core.secret, fingerprint, [shown[-1].id]) if len(found) > limit else None,
        total=await dead_letters.count_dead_letters(core.store, space.key) if count else None,
    )


async def retry_dead_letter(core: Core, caller: Caller, space: Space, letter_id: str) -> DeadLetterView:
    """Have a dead letter handed over again, with as many tries as a new event; returns it as it was.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller does not manage the space's webhooks, or there is none.
        Conflict: The webhook is switched off, or does not take such events any more.
    """
    await require_space_action(core, caller, space, Action.MANAGE_WEBHOOKS)
    if not is_id(letter_id):
        raise NotFound
    letter = await dead_letters.get_dead_letter(core.store, letter_id, space_key=space.key)
    (view,) = await _views(core, caller, space, [letter])
    if letter.subscriber.startswith(_WEBHOOK):
        await _deliver_again(core, letter)
    else:
        await core.subscriptions.retry_dead_letter(letter_id)
    return view


async def _deliver_again(core: Core, letter: DeadLetter) -> None:
    webhook = await find_webhook(core.store, letter.subscriber.removeprefix(_WEBHOOK))
    if webhook is not None and not webhook.active:
        raise Conflict("The webhook is switched off; switch it on first.", code="webhook_disabled")
    event = await find_event(core.store, letter.position)
    found = [] if webhook is None or event is None else wanted(webhook, [event], core.clock.now(), again=True)
    if not found:
        raise Conflict("The webhook does not take such events any more.", code="webhook_not_interested")
    try:
        await core.store.commit([deleted_statement(letter), *found])
    except GuardFailed as error:
        raise NotFound from error


async def _views(core: Core, caller: Caller, space: Space, letters: Sequence[DeadLetter]) -> list[DeadLetterView]:
    events = await find_events(core.store, [letter.position for letter in letters])
    told = await event_views(core, caller.actor, space, list(events.values()))
    known = {position: view for position, view in zip(events, told, strict=True) if view is not None}
    return [
        DeadLetterView(
            id=letter.id,
            subscriber=letter.subscriber,
            position=str(letter.position),
            event=known.get(letter.position),
            attempts=letter.attempts,
            error=letter.error,
            created_at=to_text(letter.created_at),
        )
        for letter in letters
    ]
