"""An instance with one plugin, the probe, that has one content type and the hooks of one scenario."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from maydan.plugin import ContentType, Field, HookRefused, Kind, Transition, Workflow, hookimpl
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.manifest import check_manifest
from maydan.testing import Site, open_site

THING = ContentType(
    name="probe.thing",
    fields=(Field(name="title", kind=Kind.STRING, localized=True), Field(name="count", kind=Kind.INTEGER)),
    engagement=("comments",),
    workflow=Workflow(
        name="work",
        states=("open", "done"),
        initial="open",
        final=("done",),
        transitions=(Transition(name="finish", sources=("open",), to="done"),),
    ),
)
COMMENT = {"text": "A thought."}
Scenario = Callable[[Path], Awaitable[None]]


@asynccontextmanager
async def site_with(folder: Path, **hooks: Callable[..., Any]) -> AsyncGenerator[Site]:
    """An instance with one plugin that has one content type, and these hooks."""
    hooks.setdefault("register_content_types", lambda: [THING])
    target = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    manifest = check_manifest(
        {"name": "probe", "version": "1.0", "hook_api": ">=1,<2", "content_types": ["probe.thing"]}
    )
    found = [FoundPlugin(name="probe", manifest=manifest, load=lambda: target)]
    async with open_site(folder, ["probe"], found=found) as site:
        yield site


async def refuse() -> None:
    """Say no."""
    raise HookRefused("the probe says no")


def is_refusal(answer: Any) -> bool:
    """Whether the probe said no."""
    return (answer.status_code, answer.json()["detail"]) == (409, "the probe says no")
