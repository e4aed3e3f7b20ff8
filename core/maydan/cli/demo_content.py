"""The demo's content: what plugins bring for it, written through the same verbs as everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from maydan.cli.failures import CommandFailed, describe
from maydan.errors import MaydanError
from maydan.operations import entries
from maydan.operations.core import as_system
from maydan.operations.scopes import scope_of
from maydan.operations.spaces import SpaceInput, create_space

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Caller, Core
    from maydan.plugins.declarations import DemoContent, DemoEntry

SPACE: Final = "demo"
_REFERENCE: Final = "$demo"


async def fill(core: Core) -> list[ContentType]:
    """Create the demo's spaces with their entries, unless they are there; returns the types of the main one."""
    caller = as_system("maydan demo")
    brought = [content for each in core.host.registered().values() for content in each.demo_content]
    for name in dict.fromkeys([SPACE, *(content.space for content in brought)]):
        if await core.registry.find_space(name) is None:
            space = await _create(core, caller, name)
            for content in brought:
                if content.space == name:
                    await _write(core, caller, space, content)
    main = await core.registry.find_space(SPACE)
    return core.registry.types(main) if main else []


async def _create(core: Core, caller: Caller, name: str) -> Space:
    given = SpaceInput(
        name=name,
        title="Al-Maydan",
        locales=("en", "ar"),
        default_locale="en",
        fallbacks={"ar": ("en",)},
        timezone="Asia/Baghdad",
        currency="IQD",
        plugins=tuple(core.host.loaded()),
    )
    return await create_space(core, caller, given)


async def _write(core: Core, caller: Caller, space: Space, content: DemoContent) -> None:
    ids: dict[str, str] = {}
    for entry in content.entries:
        try:
            ids[entry.key] = await _write_entry(core, caller, space, entry, ids)
        except MaydanError as error:
            reasons = "; ".join(describe(error))
            raise CommandFailed(f"demo content {entry.type} {entry.key}: {reasons}") from error


async def _write_entry(core: Core, caller: Caller, space: Space, entry: DemoEntry, ids: dict[str, str]) -> str:
    data = cast("dict[str, Any]", _resolved(entry.data, ids))
    scope = await scope_of(core, caller, space, entry.type)
    view = await entries.create(scope, data)
    if entry.publish and scope.type.drafts:
        await entries.publish(scope, view.id)
    return view.id


def _resolved(value: Any, ids: dict[str, str]) -> Any:
    """Put ids where entries are named by their key, ``{"$demo": key}``."""
    if isinstance(value, list):
        return [_resolved(each, ids) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    table = cast("dict[str, Any]", value)
    if table.keys() == {_REFERENCE}:
        return ids[table[_REFERENCE]]
    return {key: _resolved(each, ids) for key, each in table.items()}
