from __future__ import annotations

from typing import Any

import pytest

from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.routing import route

pytestmark = pytest.mark.anyio

SHOP = "https://shop.example"


@route("PATCH", "/api/x", public=True, body=dict)
async def change(call: Call) -> Answer:
    """Change."""
    return Answer.json({})


async def test_a_listed_origin_may_call_and_read_our_headers(serve: Any) -> None:
    """On answers, refusals and what no route matches."""
    async with serve([change], cors_origins=(SHOP, "https://other.example")) as client:
        for answer in (
            await client.patch("/api/x", json={}, headers={"Origin": SHOP}),
            await client.patch("/api/x", content=b"{", headers={"Origin": SHOP}),
            await client.get("/nope", headers={"Origin": SHOP}),
        ):
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert "ETag" in answer.headers["access-control-expose-headers"]
            assert "Origin" in answer.headers.get_list("vary")
            assert "access-control-allow-credentials" not in answer.headers


async def test_another_origin_is_told_nothing(serve: Any) -> None:
    """Not by an answer, not by a preflight; and without a setting nobody is."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    for origins in ((SHOP,), ()):
        async with serve([change], cors_origins=origins) as client:
            change_answer = await client.patch("/api/x", json={}, headers=asked)
            preflight = await client.options("/api/x", headers=asked)
            for answer in (change_answer, preflight):
                assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_preflight_allows_what_the_path_has(serve: Any) -> None:
    """Methods of the path, the headers asked for, and for how long."""
    asked = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,if-match",
    }
    async with serve([change], cors_origins=(SHOP,)) as client:
        answer = await client.options("/api/x", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, PATCH"
    assert answer.headers["access-control-allow-headers"] == "authorization,if-match"
