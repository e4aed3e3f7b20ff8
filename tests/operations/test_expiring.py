"""What is over is forgotten by a job that one worker at a time does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.clock import to_text

pytestmark = pytest.mark.anyio
TABLES = ("shares", "previews", "locks", "tickets", "mail_tokens", "invitations", "oidc_flows", "sessions")


async def counts(site: Site) -> dict[str, int]:
    """Return the number of rows of what expires."""
    rows = {table: await site.core.store.fetch_one(f"SELECT count(*) FROM maydan_{table}") for table in TABLES}
    return {table: row[0] for table, row in rows.items() if row and row[0]}


async def make_what_ends(site: Site) -> None:
    """Make one of everything that ends by itself."""
    headers = await site.log_in("admin@example.org")
    entry = await site.entry({"title": "One"}, publish=False)
    path = f"/api/spaces/demo/content/article/{entry['id']}"
    ends = to_text(site.core.clock.now() + timedelta(hours=1))
    for place, body in (
        (f"{path}/shares", {"link": True, "rights": "view", "expires_at": ends}),
        (f"{path}/shares", {"role": "editor", "rights": "view", "expires_at": ends}),
        (f"{path}/shares", {"role": "owner", "rights": "view"}),
        (f"{path}/previews", {"ttl": 60}),
        (f"{path}/lock", {}),
        ("/api/auth/tickets", None),
        ("/api/spaces/demo/invitations", {"email": "new@example.org", "roles": ["editor"]}),
    ):
        made = await site.post(place, body, headers=headers)
        assert made.is_success, (place, made.text)


async def test_what_is_over_is_forgotten_and_what_is_not_stays(site: Site) -> None:
    """Shares, previews, locks, tickets, sessions and invitations; a share without an end has none."""
    await make_what_ends(site)
    await site.core.jobs.plan()
    site.clock.forward(days=60)
    site.admin = await site.log_in("admin@example.org")
    await make_what_ends(site)
    assert await counts(site) == {
        "shares": 6, "previews": 2, "locks": 2, "tickets": 2, "invitations": 2, "sessions": 4
    }  # fmt: skip
    assert await site.core.jobs.run_due(("core.forget_expired",)) == 1
    assert await counts(site) == {
        "shares": 4, "previews": 1, "locks": 1, "tickets": 1, "invitations": 1, "sessions": 2
    }  # fmt: skip
