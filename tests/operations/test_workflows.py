"""The workflow of a type while the type changes: entries are taken along, or nothing is changed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from site_support import open_site as open_space  # pyright: ignore[reportMissingImports] - tests/support

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


async def test_fields_cannot_lose_what_a_step_sets(sqlite_url: str) -> None:
    """A step that would set what its field does not take could never be taken again: the change is refused."""
    effects = [{"set": {"mark": "late"}}]
    workflow = {
        "name": "desk", "states": ["new", "done"], "initial": "new", "final": ["done"],
        "transitions": [{"name": "finish", "from": ["new"], "to": "done", "effects": effects}],
    }  # fmt: skip
    mark, text = {"name": "mark", "kind": "enum", "values": ["soon", "late"]}, {"name": "text", "kind": "string"}
    definition = "/api/spaces/demo/types/memo"
    async with open_space(sqlite_url) as site:
        await site.define({"name": "memo", "drafts": False, "fields": [text, mark], "workflow": workflow})
        memo = await site.entry({"text": "Hello"}, type="memo", publish=False)
        less = {"fields": [text, {**mark, "values": ["soon"]}]}
        refused = await site.patch(definition, less, headers=site.admin)
        assert refused.status_code == 422, refused.text
        (error,) = refused.json()["errors"]
        assert error["pointer"] == "/workflow/transitions/0/effects/0/set/mark"
        assert (await site.patch(definition, {"title": "Memo"}, headers=site.admin)).status_code == 200
        path = f"/api/spaces/demo/content/memo/{memo['id']}"
        assert (await site.post(f"{path}/transitions/finish", headers=site.admin)).json()["mark"] == "late"
        effects[0]["set"]["mark"] = "soon"
        both = await site.patch(f"{definition}?allow_drop=true", {**less, "workflow": workflow}, headers=site.admin)
        assert both.status_code == 200, both.text
