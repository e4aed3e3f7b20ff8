"""A plugin that brings another workflow for its type takes the entries along, or stops before anything is changed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from maydan.errors import Conflict
from maydan.operations.plugin_types import type_migrations
from maydan.plugin import ContentType, Transition, Workflow, hookimpl
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import PluginHost
from maydan.plugins.manifest import check_manifest
from maydan.plugins.settings import PluginSettings
from maydan.storage.migrations import apply
from maydan.testing import Site, open_site

pytestmark = pytest.mark.anyio

OLD = Workflow(
    name="desk",
    states=("new", "open", "closed"),
    initial="new",
    final=("closed",),
    transitions=(
        Transition(name="accept", sources=("new",), to="open"),
        Transition(name="close", sources=("open",), to="closed"),
    ),
)
NEW = Workflow(
    name="desk",
    states=("new", "working", "closed"),
    initial="new",
    final=("closed",),
    transitions=(
        Transition(name="accept", sources=("new",), to="working"),
        Transition(name="close", sources=("working",), to="closed"),
    ),
)
MAPPED = Workflow(
    name=NEW.name, states=NEW.states, initial="new", final=NEW.final, transitions=NEW.transitions,
    mapping={"open": "working"},
)  # fmt: skip


def plugin(workflow: Workflow) -> FoundPlugin:
    """The plugin at one of its releases."""
    types = [ContentType(name="probe.case", drafts=False, workflow=workflow)]
    target = SimpleNamespace(register_content_types=hookimpl(lambda: types))
    manifest = check_manifest({"name": "probe", "version": "1", "hook_api": ">=1,<2", "content_types": ["probe.case"]})
    return FoundPlugin(name="probe", manifest=manifest, load=lambda: target)


async def upgrade(site: Site, workflow: Workflow) -> None:
    """Do what ``maydan migrate`` does with the next release."""
    host = PluginHost.load(PluginSettings(enabled=("probe",), strict=True), found=[plugin(workflow)])
    await apply(site.core.store, type_migrations(site.core.store, host))
    await site.core.revisions.settled()
    await site.core.registry.reload()


async def test_states_that_go_need_a_mapping(tmp_path: Path) -> None:
    """Without one the migration stops, and says where entries are; with one they are where it says."""
    async with open_site(tmp_path, ["probe"], found=[plugin(OLD)]) as site:
        entry = await site.draft("probe.case")
        assert (await site.administrator.post(f"{entry.path}/transitions/accept")).json()["state"] == "open"
        with pytest.raises(Conflict) as refused:
            await upgrade(site, NEW)
        assert refused.value.facts["states"] == {"open": 1}
        assert (await site.administrator.get(entry.path)).json()["state"] == "open"
        await upgrade(site, MAPPED)
        assert (await site.administrator.get(entry.path)).json()["state"] == "working"
        assert (await site.administrator.post(f"{entry.path}/transitions/close")).json()["state"] == "closed"
