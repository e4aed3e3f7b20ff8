"""Changes of what is stored, to do and to take back, and to tell of where one shows that should not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from site_support import Site
from worlds import World
from worlds_flips import Flip, rewrite
from worlds_sight import State

from maydan.content.types import ContentType

Step = Callable[[Site], Awaitable[None]]


class Changed(NamedTuple):
    """Something that was changed beneath the application."""

    told: list[str]
    """What it was, a line for each difference."""
    do: Step
    undo: Step
    """Nothing where it cannot be taken back."""
    size: int = 1
    """How many values it changes."""

    @staticmethod
    def of_entry(world: World, before: tuple[ContentType, State], flip: Flip) -> Changed:
        """Return what changes an entry."""
        content_type, state = before

        async def do(site: Site) -> None:
            await rewrite(site.core.store, world, content_type, state, flip.after)

        async def undo(site: Site) -> None:
            if flip.after is not None:
                await rewrite(site.core.store, world, content_type, flip.after, state)

        told = [f"{content_type.name} {state.entry.id}: {flip.what}", *_differences(content_type, state, flip.after)]
        return Changed(told, do, undo, flip.size)


async def change_rows(site: Site, changed: list[Changed]) -> None:
    """Do all of them at once."""
    async with site.core.store.write_transaction():
        for each in changed:
            await each.do(site)
    await notice(site)


async def notice(site: Site) -> None:
    """Have the application look at spaces, types, rules and shares anew, as another process's changes make it do."""
    await site.core.registry.reload()
    site.core.snapshots.forget()
    await site.core.shared_rights.on_change("shares")


async def open_audit(site: Site) -> None:
    """Let the audit be changed in this database, whose triggers forbid it."""
    sqlite = site.core.store.dialect.name == "sqlite"
    async with site.core.store.write_transaction() as transaction:
        sql = "DROP TRIGGER maydan_audit_no_update" if sqlite else "ALTER TABLE maydan_audit DISABLE TRIGGER USER"
        await transaction.execute(sql)


def _differences(content_type: ContentType, before: State, after: State | None) -> list[str]:
    if after is None:
        return []
    names = {field.id: field.name for field in content_type.fields}
    old, new = _laid_out(before), _laid_out(after)
    return [
        f"  {part} {names.get(name, name)}: {old[part].get(name)!r} became {new[part].get(name)!r}"
        for part in sorted(set(old) & set(new))
        for name in sorted(set(old[part]) | set(new[part]))
        if old[part].get(name) != new[part].get(name)
    ]


def _laid_out(state: State) -> dict[str, dict[str, Any]]:
    entry = state.entry
    heads = {name: getattr(entry, name) for name in ("created_by", "updated_by", "created_at", "state")}
    found: dict[str, dict[str, Any]] = {"entry": heads, "newest": entry.body}
    if entry.published is not None:
        found["published"] = entry.published.body
    return found | {f"version {number}": body for number, (body, _) in state.versions.items()}
