"""What somebody may know of what happened: events of the log as CloudEvents, judged by that actor's rights now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from maydan.clock import to_text
from maydan.operations.event_sight import Sight, entry_bodies, look
from maydan.storage.ports import TableDropped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.actors import Actor
    from maydan.content.spaces import Space
    from maydan.operations.core import Core
    from maydan.operations.event_sight import Told
    from maydan.storage.log import LoggedEvent


class CloudEvent(Struct, frozen=True, kw_only=True):
    """An event as it leaves the system: CloudEvents 1.0 in its JSON form."""

    specversion: str = "1.0"
    id: str
    """The event's position in the log."""
    source: str
    """``/api/spaces/{space}``; together with ``id`` it is unique."""
    type: str
    subject: str
    """Kind and id of what it is about, such as ``article/0198…``."""
    time: str
    datacontenttype: str = "application/json"
    dataschema: Annotated[str, Meta(extra_json_schema={"format": "uri"})] | UnsetType = UNSET
    """Where the schema of ``data`` is, with its version; absolute, as CloudEvents has it."""
    data: dict[str, Any]


async def event_views(
    core: Core, actor: Actor, space: Space, events: Sequence[LoggedEvent], *, with_entry: bool = False
) -> list[CloudEvent | None]:
    """Return what the actor may know of each event, in the order of the events; ``None`` where that is nothing.

    Rights are those of now. Of drafts learns who may read them; of what is published its readers. Who can read an entry
    no more, and could until then, gets a tombstone: ``entry.deleted`` or ``entry.unpublished`` with its id and type.
    The number of statements grows with the content types among the events, not with the events.

    Args:
        core: The services.
        actor: Who is to be told.
        space: Where they happened; events of other spaces give ``None``.
        events: From the log, as many as fit into one look (some hundreds).
        with_entry: Whether ``data.entry`` holds the entry as the actor may read it now, without private fields.
    """
    try:
        return await _event_views(core, actor, space, events, with_entry=with_entry)
    except TableDropped:
        # A content type was deleted before its events were looked at: of its entries there is nothing to be read.
        await core.revisions.settled()
        return await _event_views(core, actor, space, events, with_entry=with_entry)


async def _event_views(
    core: Core, actor: Actor, space: Space, events: Sequence[LoggedEvent], *, with_entry: bool
) -> list[CloudEvent | None]:
    sight = await look(core, actor, space, events)
    told = [sight.tell(event) if event.space_key == space.key else None for event in events]
    bodies = await entry_bodies(sight, told) if with_entry else {}
    base = core.settings.server.base_url
    return [_view(base, sight, event, each, bodies) if each else None for event, each in zip(events, told, strict=True)]


def _view(
    base_url: str, sight: Sight, event: LoggedEvent, told: Told, bodies: dict[tuple[str, bool], bytes]
) -> CloudEvent:
    data = dict(told.data)
    body = bodies.get((event.subject_id, told.draft)) if told.has_entry else None
    if body is not None:
        data["entry"] = msgspec.Raw(body)
    return CloudEvent(
        id=str(event.position),
        source=f"/api/spaces/{sight.space.name}",
        type=told.type,
        subject=f"{event.subject_type}/{event.subject_id}",
        time=to_text(event.at),
        dataschema=f"{base_url}{schema_path(told.type, sight.kinds[told.type].version)}",
        data=data,
    )


def schema_path(event_type: str, version: int) -> str:
    """Return where in the instance the OpenAPI document has the schema of what an event tells."""
    return f"/openapi.json#/components/schemas/{schema_name(event_type, version)}"


def schema_name(event_type: str, version: int) -> str:
    """Return the schema's name in the OpenAPI document, ``Event.entry.created.v1``."""
    return f"{_PREFIX}.{event_type}.v{version}"


_PREFIX: Final = "Event"
