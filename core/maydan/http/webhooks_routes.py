"""Webhooks of a space over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.events.webhooks import deliveries, records
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer, Cache
from maydan.http.routing import PageQuery, Route, route
from maydan.operations import webhooks
from maydan.operations.webhook_views import DeliveryView, NewWebhookView, RotatedView, WebhookView
from maydan.operations.webhooks import Replay, WebhookInput, WebhookPatch

if TYPE_CHECKING:
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/webhooks"
_ONE: Final = _LIST + "/{webhook}"
_MANAGE: Final = "manage:webhooks"


class ReplayInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where to send again."""

    since: str
    """The id of the last event that need not be sent; ``0`` for everything."""


class WebhookPage(Struct, frozen=True, kw_only=True):
    """One page of webhooks, the newest first."""

    items: list[WebhookView]
    next: str | None
    total: int | None = None


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """One page of deliveries, the newest event first."""

    items: list[DeliveryView]
    next: str | None
    total: int | None = None


@route("GET", _LIST, permission=_MANAGE, query=PageQuery, answer=WebhookPage, tags=("webhooks",))
async def list_webhooks(call: Call) -> Answer:
    """List the webhooks of a space."""
    return await newest_first(
        call,
        partial(webhooks.list_webhooks, call.core, call.caller, call.space),
        key=lambda webhook: webhook.id,
        view=lambda webhook: webhook,
        count=partial(records.count_webhooks, call.core.store, call.space.key),
    )


@route(
    "POST", _LIST, permission=_MANAGE, body=WebhookInput, answer=NewWebhookView, status=201, errors=(409,),
    secret_answer=True, tags=("webhooks",),
)  # fmt: skip
async def create_webhook(call: Call, body: WebhookInput) -> Answer:
    """Have events sent to a server of yours; the answer has the secret that signs them, this once.

    What is sent is what you may read when it is sent, without private fields.
    """
    seal = call.seal(partial(_created, call))
    made = await webhooks.create_webhook(call.core, call.caller, call.space, body, seal=seal.statements)
    return seal.answer(made)


@route("GET", _ONE, permission=_MANAGE, answer=WebhookView, errors=(404,), tags=("webhooks",))
async def get_webhook(call: Call) -> Answer:
    """Get a webhook, with whether it is delivered to."""
    return _answer(await webhooks.get_webhook(call.core, call.caller, call.space, call.path["webhook"]))


@route(
    "PATCH", _ONE, permission=_MANAGE, body=WebhookPatch, answer=WebhookView, if_match=True, errors=(404, 412, 428),
    tags=("webhooks",),
)  # fmt: skip
async def patch_webhook(call: Call) -> Answer:
    """Change a webhook, or switch it on or off.

    When you change where it goes or what it takes, what is sent from then on is what you may read.
    """
    view = await webhooks.change_webhook(
        call.core, call.caller, call.space, call.path["webhook"],
        precondition=call.require_version, read_patch=lambda: call.body(WebhookPatch),
    )  # fmt: skip
    return _answer(view)


@route("DELETE", _ONE, permission=_MANAGE, status=204, errors=(404, 412), tags=("webhooks",))
async def delete_webhook(call: Call) -> Answer:
    """Delete a webhook with what waits for it."""
    await webhooks.delete_webhook(
        call.core, call.caller, call.space, call.path["webhook"], precondition=call.require_version
    )
    return Answer.empty()


@route(
    "GET", _ONE + "/deliveries", permission=_MANAGE, query=PageQuery, answer=DeliveryPage, errors=(404,),
    tags=("webhooks",),
)  # fmt: skip
async def list_deliveries(call: Call) -> Answer:
    """List what was sent and what waits, with the outcome of the last try of each."""
    webhook_id = call.path["webhook"]
    return await newest_first(
        call,
        partial(webhooks.list_deliveries, call.core, call.caller, call.space, webhook_id),
        key=lambda delivery: delivery.event,
        view=lambda delivery: delivery,
        count=partial(deliveries.count_deliveries, call.core.store, call.space.key, webhook_id),
    )


@route(
    "POST", _ONE + "/replay", permission=_MANAGE, body=ReplayInput, answer=Replay, errors=(404, 409),
    tags=("webhooks",),
)  # fmt: skip
async def replay_webhook(call: Call) -> Answer:
    """Send again what happened after an event, also what was taken before; ids of messages stay the same."""
    replayed = await webhooks.replay(
        call.core, call.caller, call.space, call.path["webhook"], lambda: call.body(ReplayInput).since
    )
    return Answer.json(replayed)


@route(
    "POST", _ONE + "/rotate", permission=_MANAGE, answer=RotatedView, errors=(404, 409), secret_answer=True,
    tags=("webhooks",),
)  # fmt: skip
async def rotate_webhook_secret(call: Call) -> Answer:
    """Replace the secret; for a while every delivery is signed with both."""
    return Answer.json(
        await webhooks.rotate_secret(call.core, call.caller, call.space, call.path["webhook"]), cache=Cache.SECRET
    )


def _answer(view: WebhookView) -> Answer:
    return Answer.json(view, tag_prefix=str(view.version))


def _created(call: Call, made: NewWebhookView) -> Answer:
    location = f"/api/spaces/{call.space.name}/webhooks/{made.id}"
    return Answer.created(made, location, cache=Cache.SECRET, tag_prefix=str(made.version))


ROUTES: Final[tuple[Route, ...]] = (
    list_webhooks,
    create_webhook,
    get_webhook,
    patch_webhook,
    delete_webhook,
    list_deliveries,
    replay_webhook,
    rotate_webhook_secret,
)
