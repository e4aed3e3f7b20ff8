"""The verbs of webhooks: make, look at, change, rotate, replay, delete; for who manages the space's webhooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.errors import Conflict, Forbidden, InputError, InvalidInput, NotFound, Stale
from maydan.events.webhooks import deliveries, records
from maydan.events.webhooks.endpoints import healed
from maydan.events.webhooks.records import Webhook
from maydan.events.webhooks.signing import hide, new_secret
from maydan.ids import is_id, new_id
from maydan.operations.spaces import require_space_action
from maydan.operations.webhook_checks import check_events, check_types, check_url
from maydan.operations.webhook_views import (
    DeliveryView,
    NewWebhookView,
    RotatedView,
    WebhookView,
    delivery_view,
    new_view,
    webhook_view,
)
from maydan.storage.log import Event, event_statement, last_position
from maydan.storage.ports import GuardFailed, Statement
from maydan.storage.registry import find_space

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.storage.ports import Transaction

_TRIES: Final = 5
"""Of a change that does not depend on what the webhook was."""
_LAST_POSITION: Final = 2**63 - 1
_MOST_DIGITS: Final = 19

Seal = Callable[[NewWebhookView], Sequence[Statement]]


class WebhookInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to make a webhook."""

    url: str
    """Where to send: ``https://`` or ``http://``, to no private address."""
    events: tuple[str, ...]
    """Kinds of events, such as ``entry.published``."""
    types: tuple[str, ...] | None = None
    """Only what is about entries of these content types; absent: everything."""


class WebhookPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to change a webhook."""

    url: str | UnsetType = UNSET
    events: tuple[str, ...] | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    """``true`` switches it on again, also after it was disabled; what waits is then sent."""


class Replay(Struct, frozen=True, kw_only=True):
    """What is sent again."""

    since: str
    """The position in the log after which it begins."""
    until: str
    """The position of the last event that it takes in."""


async def list_webhooks(
    core: Core, caller: Caller, space: Space, *, limit: int, after: str | None = None, offset: int = 0
) -> list[WebhookView]:
    """Return webhooks of the space, the newest first; ``after`` is the id of the last one of the page before."""
    await _require(core, caller, space)
    found = await records.list_webhooks(core.store, space.key, limit=limit, after=after, offset=offset)
    return [await webhook_view(core, space, webhook) for webhook in found]


async def get_webhook(core: Core, caller: Caller, space: Space, webhook_id: str) -> WebhookView:
    """Return a webhook, without its secret.

    Raises:
        NotFound: The space has none of that id.
    """
    await _require(core, caller, space)
    return await webhook_view(core, space, await _find(core, space, webhook_id))


async def create_webhook(
    core: Core, caller: Caller, space: Space, given: WebhookInput, *, seal: Seal | None = None
) -> NewWebhookView:
    """Make a webhook, which is sent what happens from now on, as far as the caller may read it then.

    Args:
        core: The services.
        caller: Who makes it, and whose rights decide what it is sent.
        space: Where.
        given: What it shall be.
        seal: What to store with it for the caller.
    Raises:
        Forbidden: The caller may not, or has no account whose rights could be asked later.
        InvalidInput: The URL, an event or a type is not acceptable; nothing was connected to.
        Conflict: The space has as many webhooks as it may.
    """
    await _require(core, caller, space)
    maker_id = _account(caller)
    url = await check_url(core, given.url)
    events, types = check_events(core, space, given.events), await check_types(core, caller, space, given.types)
    now, secret = core.clock.now(), new_secret()
    made = Webhook(
        id=new_id(), space_key=space.key, url=url, events=events, types=types, maker_id=maker_id,
        maker_scope=caller.actor.scope, hidden_secret=hide(secret, core.secret),
        from_position=await last_position(core.store), created_at=now, updated_at=now,
    )  # fmt: skip
    view = new_view(await webhook_view(core, space, made), secret)
    event = _event(core, caller, made, "webhook.created")
    batch = [*records.insert(made), event, *(seal(view) if seal else ())]

    async def work(transaction: Transaction) -> None:
        await _require_room(core, transaction, space)
        await transaction.apply(batch)

    await core.store.retrying(work)
    return view


async def change_webhook(
    core: Core,
    caller: Caller,
    space: Space,
    webhook_id: str,
    *,
    precondition: Callable[[int], None],
    read_patch: Callable[[], WebhookPatch],
) -> WebhookView:
    """Change a webhook; whoever says where it goes or what it takes becomes its maker, with whose rights it reads.

    Args:
        core: The services.
        caller: Who changes it.
        space: Where.
        webhook_id: Which.
        precondition: Called with the present version.
        read_patch: Gives the change; called after the precondition.
    Raises:
        NotFound, Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
    """
    await _require(core, caller, space)
    before = await _find(core, space, webhook_id)
    precondition(before.version)
    patch = read_patch()
    after = msgspec.structs.replace(before, version=before.version + 1, updated_at=core.clock.now())
    if patch.url is not UNSET or patch.events is not UNSET or patch.types is not UNSET:
        after = msgspec.structs.replace(after, maker_id=_account(caller), maker_scope=caller.actor.scope)
    if patch.url is not UNSET:
        after = msgspec.structs.replace(after, url=await check_url(core, patch.url))
    if patch.events is not UNSET:
        after = msgspec.structs.replace(after, events=check_events(core, space, patch.events))
    if patch.types is not UNSET:
        after = msgspec.structs.replace(after, types=await check_types(core, caller, space, patch.types))
    batch = [records.update(before, after)]
    if patch.active is not UNSET:
        after = msgspec.structs.replace(after, active=patch.active, reason=None)
        batch = [records.update(before, after), *([healed(before.id)] if patch.active else [])]
    try:
        await core.store.commit([*batch, _event(core, caller, after, "webhook.updated")])
    except GuardFailed as error:
        raise Stale from error
    return await webhook_view(core, space, after)


async def delete_webhook(
    core: Core, caller: Caller, space: Space, webhook_id: str, *, precondition: Callable[[int], None]
) -> None:
    """Delete a webhook; nothing more is sent, and its deliveries are forgotten.

    Raises:
        NotFound, Forbidden, Stale: In this order.
    """
    await _require(core, caller, space)
    before = await _find(core, space, webhook_id)
    precondition(before.version)
    try:
        await core.store.commit([*records.delete(before), _event(core, caller, before, "webhook.deleted")])
    except GuardFailed as error:
        raise Stale from error


async def rotate_secret(core: Core, caller: Caller, space: Space, webhook_id: str) -> RotatedView:
    """Give a webhook a new secret; for a while each delivery is signed with the old one too.

    Raises:
        NotFound: The space has no such webhook.
    """
    await _require(core, caller, space)
    secret = new_secret()
    until = core.clock.now() + timedelta(seconds=core.settings.webhooks.rotation_s)

    def rotated(before: Webhook) -> Webhook:
        return msgspec.structs.replace(
            before, hidden_secret=hide(secret, core.secret), hidden_old_secret=before.hidden_secret,
            old_secret_until=until,
        )  # fmt: skip

    after = await _replaced(core, caller, space, webhook_id, rotated)
    return RotatedView(id=after.id, secret=secret, old_secret_until=to_text(until))


async def replay(core: Core, caller: Caller, space: Space, webhook_id: str, read_since: Callable[[], str]) -> Replay:
    """Send again, or for the first time, what happened after a position in the log, as far as the webhook takes it.

    Each delivery has the ``webhook-id`` that it had before.

    Raises:
        NotFound: The space has no such webhook.
        InvalidInput: ``since`` is no position.
        Conflict: The webhook is switched off.
    """
    await _require(core, caller, space)
    webhook = await _find(core, space, webhook_id)
    since = read_since()
    if not (since.isascii() and since.isdigit() and len(since) <= _MOST_DIGITS and int(since) <= _LAST_POSITION):
        problem = InputError("/since", "invalid_position", "must be the id of an event, or 0 for the start")
        raise InvalidInput("There is no such position.", errors=(problem,))
    if not webhook.active:
        raise Conflict("The webhook is switched off; switch it on first.", code="webhook_disabled")
    begin, until = int(since), await last_position(core.store)

    def replaying(before: Webhook) -> Webhook:
        place = begin if before.replay_position is None else min(begin, before.replay_position)
        return msgspec.structs.replace(before, replay_position=place, replay_until=until)

    if begin < until:
        await _replaced(core, caller, space, webhook_id, replaying)
    return Replay(since=str(begin), until=str(max(begin, until)))


async def list_deliveries(
    core: Core, caller: Caller, space: Space, webhook_id: str, *, limit: int, after: str | None = None, offset: int = 0
) -> list[DeliveryView]:
    """Return deliveries of a webhook, the newest event first; ``after`` is the event of the last one before."""
    await _require(core, caller, space)
    webhook = await _find(core, space, webhook_id)
    before = None if after is None else int(after)
    found = await deliveries.list_deliveries(
        core.store, space.key, webhook.id, limit=limit, before=before, offset=offset
    )
    return [delivery_view(delivery) for delivery in found]


async def _replaced(
    core: Core, caller: Caller, space: Space, webhook_id: str, change: Callable[[Webhook], Webhook]
) -> Webhook:
    """Store a change that holds whatever the webhook was; again when somebody else was quicker."""
    for _ in range(_TRIES):
        before = await _find(core, space, webhook_id)
        after = msgspec.structs.replace(change(before), version=before.version + 1, updated_at=core.clock.now())
        try:
            await core.store.commit([records.update(before, after), _event(core, caller, after, "webhook.updated")])
        except GuardFailed:
            continue
        return after
    raise Conflict("The webhook is being changed by others; try again.")


async def _require_room(core: Core, transaction: Transaction, space: Space) -> None:
    """Refuse one webhook too many; who makes another one in the space at the same moment waits."""
    if await find_space(transaction, space.name, lock=True) is None:
        raise NotFound
    most = core.settings.webhooks.max_each_space
    if await records.count_webhooks(transaction, space.key) >= most:
        raise Conflict(f"The space has {most} webhooks, which is the most; delete one.", code="too_many_webhooks")


async def _require(core: Core, caller: Caller, space: Space) -> None:
    await require_space_action(core, caller, space, Action.MANAGE_WEBHOOKS)


async def _find(core: Core, space: Space, webhook_id: str) -> Webhook:
    found = await records.find_webhook(core.store, webhook_id, space_key=space.key) if is_id(webhook_id) else None
    if found is None:
        raise NotFound
    return found


def _account(caller: Caller) -> str:
    """Return whose rights decide what the webhook is sent."""
    if caller.actor.id is None:
        raise Forbidden("A webhook needs an account whose rights decide what it is sent.")
    return caller.actor.id


def _event(core: Core, caller: Caller, webhook: Webhook, kind: str) -> Statement:
    return event_statement(
        Event(
            type=kind,
            space_key=webhook.space_key,
            subject_type="webhook",
            subject_id=webhook.id,
            version=webhook.version,
            actor_id=caller.actor.id,
            at=core.clock.now(),
            request_id=caller.request_id,
        )
    )
