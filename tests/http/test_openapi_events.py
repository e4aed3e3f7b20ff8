"""The document says what is sent: every kind of event with the schema that its ``dataschema`` names."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from site_support import ARTICLE, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.actors import ANONYMOUS, system
from maydan.clock import to_text
from maydan.events.kinds import CORE_EVENTS
from maydan.operations.event_views import event_views
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio


async def test_what_is_sent_fits_the_schema_that_it_names(sqlite_url: str) -> None:
    """For everybody's view of everything that happens here; every kind is listed with its own schema."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        entry = await site.entry({"title": "First"})
        path = f"/api/spaces/demo/content/article/{entry['id']}"
        await site.post(f"{path}/comments", {"text": "Hm."}, headers=site.admin)
        await site.patch(path, {"rating": 3}, headers=site.admin)
        await site.account("ann@example.org", "editor")
        await site.post(f"{path}/unpublish", headers=site.admin)
        await site.delete(path, headers=site.admin)
        document: dict[str, Any] = (await site.get("/openapi.json")).json()
        schemas = document["components"]["schemas"]
        assert set(document["webhooks"]) == set(CORE_EVENTS) - {"space.deleted"}
        sent = [
            view
            for actor in (system("test"), ANONYMOUS)
            for view in await event_views(
                site.core, actor, site.space, await read_after(site.core.store, 0, 100), with_entry=True
            )
            if view is not None
        ]
        assert {view.type for view in sent} >= {"entry.updated", "entry.deleted", "comment.created", "member.changed"}
        for view in sent:
            name = str(view.dataschema).rpartition("/")[2]
            post = document["webhooks"][view.type]["post"]
            ((media_type, body),) = post["requestBody"]["content"].items()
            assert media_type == "application/cloudevents+json"
            assert body["schema"]["allOf"][1]["properties"]["data"] == {"$ref": f"#/components/schemas/{name}"}
            data = msgspec.json.decode(msgspec.json.encode(view.data))
            jsonschema_rs.validate({**schemas[name], "components": document["components"]}, data)
            assert view.time.endswith("Z")
            assert to_text(site.core.clock.now())[:4] == view.time[:4]
