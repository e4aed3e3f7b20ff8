"""Requests of the administrator, which must succeed."""

from __future__ import annotations

from typing import Any

from site_support import Site


async def send(site: Site, method: str, path: str, body: Any) -> Any:
    """Send one as the administrator; returns what is answered."""
    headers = {**site.admin, **({"if-match": "*"} if method == "PATCH" else {})}
    answer = await site.client.request(method, path, json=body, headers=headers)
    assert answer.is_success, f"{method} {path} {body}: {answer.text}"
    return answer.json() if answer.content else None
