"""What a webhook is sent: what its maker may know of each event at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from maydan.access.actions import Action
from maydan.events.webhooks.preparing import Prepared
from maydan.events.webhooks.signing import reveal
from maydan.operations.event_views import event_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.actors import Actor
    from maydan.content.spaces import Space
    from maydan.events.webhooks.records import Webhook
    from maydan.operations.core import Core
    from maydan.operations.event_views import CloudEvent
    from maydan.storage.log import LoggedEvent

_MOST_BYTES: Final = 1024 * 1024
"""Of one payload; a larger one goes without the entry, which its receiver can read."""


class Maker(Struct, frozen=True):
    """Who a webhook reads as."""

    actor: Actor | None
    """None: nobody, so nothing is sent."""
    reason: str | None = None
    """Why nobody: ``maker_gone`` (suspended, or no more) or ``maker_not_allowed``."""


async def find_maker(core: Core, space: Space, webhook: Webhook) -> Maker:
    """Return the webhook's maker, while that is somebody who may manage webhooks in the space."""
    actor = await core.authenticator.of_account(webhook.maker_id, webhook.maker_scope)
    if actor is None:
        return Maker(None, "maker_gone")
    snapshot = await core.snapshots.get(space)
    if not snapshot.allows(actor, Action.MANAGE_WEBHOOKS):
        return Maker(None, "maker_not_allowed")
    return Maker(actor)


async def prepare(core: Core, webhook: Webhook, events: Sequence[LoggedEvent]) -> Prepared:
    """Return what to send of events to a webhook, and the secrets that sign it."""
    space = core.registry.space_by_key(webhook.space_key)
    maker = Maker(None) if space is None else await find_maker(core, space, webhook)
    if space is None or maker.actor is None:
        return Prepared([None] * len(events), [])
    views = await event_views(core, maker.actor, space, events, with_entry=True)
    secrets = [reveal(webhook.hidden_secret, core.secret)]
    until = webhook.old_secret_until
    if webhook.hidden_old_secret is not None and until is not None and core.clock.now() < until:
        secrets.append(reveal(webhook.hidden_old_secret, core.secret))
    return Prepared([_body(webhook, view) for view in views], secrets)


def _body(webhook: Webhook, view: CloudEvent | None) -> bytes | None:
    # What an event is to somebody who loses an entry by it may be something that was not asked for.
    if view is None or view.type not in webhook.events:
        return None
    body = msgspec.json.encode(view)
    if len(body) <= _MOST_BYTES:
        return body
    data = {name: value for name, value in view.data.items() if name != "entry"}
    return msgspec.json.encode(msgspec.structs.replace(view, data=data))
