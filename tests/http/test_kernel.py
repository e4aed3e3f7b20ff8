from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

import pytest
from thing_routes import ADMIN, EDITOR, OTHER, ROUTES  # pyright: ignore[reportMissingImports] - tests/support

from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.routing import route
from maydan.http.settings import LogSettings

pytestmark = pytest.mark.anyio


async def test_what_is_hidden_looks_like_what_is_not_there(serve: Any) -> None:
    """404 for both, and the bodies differ only in path and request id."""
    async with serve(ROUTES) as client:
        unknown = await client.get("/api/spaces/nope/things/one")
        hidden = await client.get("/api/spaces/hidden/things/one")
        missing = await client.get("/api/spaces/open/things/secret")
        unmatched = await client.get("/api/nope")
    bodies: list[dict[str, Any]] = []
    for answer in (unknown, hidden, missing, unmatched):
        assert answer.status_code == 404
        body = answer.json()
        bodies.append({name: body[name] for name in body if name not in ("instance", "request_id")})
    assert bodies[0] == bodies[1] == bodies[2] == bodies[3]


async def test_an_action_of_a_space_needs_its_permission(serve: Any) -> None:
    """Anonymous 401, allowed 201, visible but not allowed 403, invisible 404."""
    url = "/api/spaces/{}/things"
    async with serve(ROUTES) as client:
        nobody = await client.post(url.format("open"), json={"name": "one"})
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        assert (await client.post(url.format("open"), json={"name": "one"}, headers=OTHER)).status_code == 403
        assert (await client.post(url.format("hidden"), json={"name": "one"}, headers=OTHER)).status_code == 404
        assert (await client.post(url.format("nope"), json={"name": "one"}, headers=OTHER)).status_code == 404
        made = await client.post(url.format("open"), json={"name": "one"}, headers=EDITOR)
    assert made.status_code == 201
    assert made.headers["location"] == "/api/spaces/open/things/one"
    assert made.headers["etag"]


async def test_a_token_that_is_not_valid_is_401_everywhere(serve: Any) -> None:
    """Also where nobody needs to be logged in: a client must learn that its session has ended."""
    async with serve(ROUTES) as client:
        for value in ("Bearer wrong", "Basic abc", "Bearer", "Bearer a b", ""):
            assert (await client.get("/api/things", headers={"Authorization": value})).status_code == 401


async def test_logged_in_and_administrator_routes(serve: Any) -> None:
    """401 without a token, 403 for those who are not administrators."""
    async with serve(ROUTES) as client:
        assert (await client.get("/api/mine")).status_code == 401
        assert (await client.get("/api/mine", headers=OTHER)).json() == "other"
        assert (await client.get("/api/settings")).status_code == 401
        assert (await client.get("/api/settings", headers=EDITOR)).status_code == 403
        assert (await client.get("/api/settings", headers=ADMIN)).status_code == 200


async def test_refusals_come_in_the_order_of_the_contract(serve: Any) -> None:
    """400, 415 → 401 → 404, 403 → 428 → 412 → 422 → 409: each request has all later faults as well."""
    for wrong in (
        b'{"name": 1}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": 100000000000000000000001}',
    ):
        await _send_refused(serve, wrong)


async def _send_refused(serve: Any, wrong: bytes) -> None:
    json = {"Content-Type": "application/json"}
    async with serve(ROUTES) as client:

        async def patch(thing: str, content: bytes, headers: dict[str, str], query: str = "") -> int:
            url = f"/api/spaces/open/things/{thing}{query}"
            return (await client.patch(url, content=content, headers=headers)).status_code

        stale = {"If-Match": '"old"'}
        fresh = {"If-Match": '"one-tag"'}
        assert await patch("two", wrong, json | {"Authorization": "Bearer x"}, "?x=1") == 400
        assert await patch("two", b"{", json | {"Authorization": "Bearer x"}) == 400
        assert await patch("two", wrong, {"Content-Type": "text/plain", "Authorization": "Bearer x"}) == 415
        assert await patch("two", wrong, json | {"Authorization": "Bearer x"}) == 401
        assert await patch("one", wrong, json | OTHER) == 403
        assert await patch("two", wrong, json | EDITOR) == 404
        assert await patch("one", wrong, json | EDITOR) == 428
        assert await patch("one", wrong, json | EDITOR | stale) == 412
        assert await patch("one", wrong, json | EDITOR | fresh) == 422
        assert await patch("one", b'{"name": "taken"}', json | EDITOR | fresh) == 409
        assert await patch("one", b'{"name": "free"}', json | EDITOR | fresh) == 200


async def test_a_query_parameter_is_known_and_of_its_type(serve: Any) -> None:
    """Unknown, repeated, empty and loosely written parameters are 400, naming them."""
    async with serve(ROUTES) as client:
        for query in ("nope=1", "limit=1&limit=2", "limit=", "limit=1.0", "limit=+1", "limit=1e1", "plain=yes"):
            answer = await client.get(f"/api/things?{query}")
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["pointer"] == query.partition("=")[0]
        good = await client.get("/api/things?limit=3&plain=true")
        assert good.json()["items"] == [{"limit": 3, "plain": True}]
        assert (await client.get("/api/things?%ff=1")).status_code == 400


async def test_what_breaks_says_nothing_about_itself(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is a 500 problem without any detail, and a log line with the traceback."""
    with caplog.at_level(logging.ERROR):
        async with serve(ROUTES) as client:
            answer = await client.post("/api/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_route_without_a_body_takes_none(serve: Any) -> None:
    """Nothing that a client sends is ignored: an empty object passes, a field is unknown, a GET with a body is 400."""
    async with serve(ROUTES) as client:
        assert (await client.request("DELETE", "/api/things/one")).status_code == 204
        assert (await client.request("DELETE", "/api/things/one", json={})).status_code == 204
        assert (await client.request("DELETE", "/api/things/one", json={"a": 10**30 + 1})).status_code == 422
        refused = await client.request("DELETE", "/api/things/one", json={"force": True})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/force"
        assert (await client.request("GET", "/api/things", content=b"x")).status_code == 400


async def test_all_places_of_a_body_that_are_wrong_are_named(serve: Any) -> None:
    """422 with a pointer for each problem."""
    async with serve(ROUTES) as client:
        answer = await client.post("/api/spaces/open/things", json={"size": "1", "x": 1}, headers=EDITOR)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == {
        ("/name", "field_required"), ("/size", "not_an_integer"), ("/x", "unknown_field"),
    }  # fmt: skip


async def test_requests_are_logged_where_that_is_set(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One line each, without the query, which may hold what is private."""
    with caplog.at_level(logging.INFO, "maydan.http.requests"):
        async with serve(ROUTES, log=LogSettings(requests=True)) as client:
            await client.get("/api/things?limit=3")
        async with serve(ROUTES) as client:
            await client.get("/api/things?limit=3")
    assert [record.getMessage() for record in caplog.records] == ["GET /api/things 200"]


async def test_development_mode_counts_statements(serve: Any) -> None:
    """The store adds to the counter of the request; otherwise nobody counts."""

    class Counting:
        def __init__(self) -> None:
            self.statements_counter: ContextVar[list[int]] = ContextVar("statements")

        async def fetch(self) -> None:
            counter = self.statements_counter.get(None)
            if counter is not None:
                counter[0] += 1

    @route("GET", "/api/counted", public=True)
    async def counted(call: Call) -> Answer:
        store: Any = call.core.store
        await store.fetch()
        await store.fetch()
        return Answer.json({})

    async with serve([counted], store=Counting(), development=True) as client:
        for _ in range(2):
            assert (await client.get("/api/counted")).headers["x-db-statements"] == "2"
    async with serve([counted], store=Counting()) as client:
        assert "x-db-statements" not in (await client.get("/api/counted")).headers
