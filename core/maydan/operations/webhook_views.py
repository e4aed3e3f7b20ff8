"""What is shown of webhooks and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from maydan.clock import to_text
from maydan.events.webhooks.deliveries import DeliveryState
from maydan.events.webhooks.endpoints import find_health
from maydan.operations.webhook_payloads import find_maker

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.events.webhooks.deliveries import Delivery
    from maydan.events.webhooks.records import Webhook
    from maydan.operations.core import Core


class WebhookView(Struct, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    id: str
    url: str
    events: tuple[str, ...]
    types: tuple[str, ...] | None
    active: bool
    """Whether it is switched on."""
    status: Literal["active", "failing", "disabled", "suspended"]
    """``failing``: the last try was not taken. ``suspended``: nothing is sent, because of its maker's rights."""
    reason: str | None
    """``gone`` (410) or ``failing`` (for days) where we disabled it; ``maker_gone`` or ``maker_not_allowed`` where it
    is suspended."""
    created_by: str
    """The account whose rights decide what is sent: whoever last said where it goes or what it takes."""
    replaying: bool
    version: int
    created_at: str
    updated_at: str


class NewWebhookView(WebhookView, frozen=True, kw_only=True):
    """A webhook that was just made."""

    secret: str
    """``whsec_…``; shown this once."""


class RotatedView(Struct, frozen=True, kw_only=True):
    """A webhook's new secret."""

    id: str
    secret: str
    """``whsec_…``; shown this once."""
    old_secret_until: str
    """Until then deliveries are signed with the secret before too."""


class DeliveryView(Struct, frozen=True, kw_only=True):
    """One event on its way to a webhook."""

    id: str
    message: str
    """``webhook-id``, the same for every try."""
    event: str
    """The event's id."""
    type: str
    """Of the event in the log."""
    state: Literal["waiting", "delivered", "dead"]
    """``dead``: given up after three days; it is among the dead letters."""
    tries: int
    next_try_at: str | None
    created_at: str
    tried_at: str | None
    duration_ms: int | None
    """Of the last try, as the next two."""
    http_status: int | None
    error: str | None


async def webhook_view(core: Core, space: Space, webhook: Webhook) -> WebhookView:
    """Return what is shown of a webhook, with how it is at this moment."""
    status, reason = await _status(core, space, webhook)
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        events=webhook.events,
        types=webhook.types,
        active=webhook.active,
        status=status,
        reason=reason,
        created_by=webhook.maker_id,
        replaying=webhook.replay_position is not None,
        version=webhook.version,
        created_at=to_text(webhook.created_at),
        updated_at=to_text(webhook.updated_at),
    )


def new_view(view: WebhookView, secret: str) -> NewWebhookView:
    """Return what its maker is shown once."""
    return NewWebhookView(**{name: getattr(view, name) for name in view.__struct_fields__}, secret=secret)


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return what is shown of a delivery: nothing of what it carries, which not everybody here may read."""
    waits = delivery.state is DeliveryState.WAITING
    return DeliveryView(
        id=delivery.id,
        message=delivery.message_id,
        event=str(delivery.position),
        type=delivery.type,
        state=delivery.state.value,
        tries=delivery.tries,
        next_try_at=to_text(delivery.due_at) if waits else None,
        created_at=to_text(delivery.created_at),
        tried_at=None if delivery.tried_at is None else to_text(delivery.tried_at),
        duration_ms=delivery.duration_ms,
        http_status=delivery.http_status,
        error=delivery.error,
    )


async def _status(
    core: Core, space: Space, webhook: Webhook
) -> tuple[Literal["active", "failing", "disabled", "suspended"], str | None]:
    if not webhook.active:
        return "disabled", webhook.reason
    maker = await find_maker(core, space, webhook)
    if maker.actor is None:
        return "suspended", maker.reason
    health = await find_health(core.store, webhook.id)
    return ("failing" if health and health.failures else "active"), None
