"""What the probe may change or refuse: a scenario for each hook that is asked before a write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probing import COMMENT, is_refusal, refuse, site_with

from maydan.plugin import ContentType, HookRefused


async def transforms_input(folder: Path) -> None:
    """On creating, patching and replacing; what it adds is validated like everything else."""

    async def double(type: ContentType, data: dict[str, Any]) -> dict[str, Any]:
        assert type.name == "probe.thing"
        return data | {"count": data["count"] * 2} if "count" in data else data

    async with site_with(folder, transform_entry_input=double) as site:
        entry = await site.draft("probe.thing", count=2)
        assert entry.data["count"] == 4
        assert (await site.administrator.patch(entry.path, {"count": 5})).json()["count"] == 10
        assert (await site.administrator.post("content/probe.thing", {"count": 2**53})).status_code == 422


async def vetoes_creating(folder: Path) -> None:
    """Nothing is stored and nothing happened."""
    async with site_with(folder, check_entry_create=refuse) as site:
        assert is_refusal(await site.administrator.post("content/probe.thing", site.data("probe.thing")))
        listed = await site.administrator.get("content/probe.thing?perspective=draft&count=exact")
        assert listed.json()["total"] == 0
        await site.settled()
        assert site.events.of("entry.created") == []


async def vetoes_updating(folder: Path) -> None:
    """It sees the entry as it was and as it would be; the old version stays."""
    seen: list[tuple[int, int]] = []

    async def look(before: Any, after: Any) -> None:
        seen.append((before.fields["count"], after.fields["count"]))
        raise HookRefused("the probe says no")

    async with site_with(folder, check_entry_update=look) as site:
        entry = await site.draft("probe.thing", count=1)
        assert is_refusal(await site.administrator.patch(entry.path, {"count": 2}))
        assert seen == [(1, 2)]
        assert (await site.administrator.get(f"{entry.path}?perspective=draft")).json()["count"] == 1


async def vetoes_publishing(folder: Path) -> None:
    """It is told the locales; readers do not get it."""
    seen: list[tuple[str, ...]] = []

    async def look(locales: tuple[str, ...]) -> None:
        seen.append(locales)
        raise HookRefused("the probe says no")

    async with site_with(folder, check_entry_publish=look) as site:
        entry = await site.draft("probe.thing", title={"en": "Hello", "ar": "مرحبا"})
        assert is_refusal(await site.administrator.post(f"{entry.path}/publish", {"locales": ["ar"]}))
        assert seen == [("ar",)]
        assert await site.find(entry) is None


async def vetoes_unpublishing(folder: Path) -> None:
    """It stays published."""
    async with site_with(folder, check_entry_unpublish=refuse) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/unpublish"))
        assert await site.find(entry) is not None


async def vetoes_deleting(folder: Path) -> None:
    """It stays."""
    async with site_with(folder, check_entry_delete=refuse) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.delete(entry.path))
        assert await site.find(entry) is not None


async def vetoes_transitions(folder: Path) -> None:
    """It sees the entry where it stands, and stays there."""
    seen: list[Any] = []

    async def check(entry: Any, transition: str, to: str) -> None:
        seen.append((entry.state, transition, to))
        await refuse()

    async with site_with(folder, check_entry_transition=check) as site:
        entry = await site.draft("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/transitions/finish"))
        assert seen == [("open", "finish", "done")]
        assert (await site.administrator.get(f"{entry.path}?perspective=draft")).json()["state"] == "open"


async def vetoes_commenting(folder: Path) -> None:
    """It sees the comment and what it is on."""
    seen: list[tuple[str, str]] = []

    async def look(comment: Any, entry: Any) -> None:
        seen.append((comment.text, entry.id))
        raise HookRefused("the probe says no")

    async with site_with(folder, check_comment_create=look) as site:
        entry = await site.published("probe.thing")
        assert is_refusal(await site.administrator.post(f"{entry.path}/comments", COMMENT))
        assert seen == [("A thought.", entry.id)]
