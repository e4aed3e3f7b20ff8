"""Who may read what is public learns nothing of what lies in the trash."""

from __future__ import annotations

import pytest
from site_support import PERSON, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


async def test_the_status_of_what_is_in_the_trash_is_for_who_may_read_drafts(sqlite_url: str) -> None:
    """Of types without drafts too, whose entries readers saw until then."""
    async with open_site(sqlite_url) as site:
        await site.define(PERSON)
        policy = {"effect": "allow", "type": "person", "actions": ["read"]}
        await site.put("/api/spaces/demo/roles/anonymous", {"policies": [policy]}, headers=site.admin)
        entry = await site.entry({"name": "Ann"}, type="person", publish=False)
        path = f"/api/spaces/demo/content/person/{entry['id']}"
        assert (await site.get(f"{path}/status")).status_code == 200
        assert (await site.delete(path, headers=site.admin)).status_code == 204
        assert (await site.get(f"{path}/status")).status_code == 404
        kept = await site.get(f"{path}/status", headers=site.admin)
        assert kept.status_code == 200
        assert '"status":"trashed"' in kept.text
