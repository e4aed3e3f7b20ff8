from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

import pytest
from msgspec import Struct

from maydan.errors import BadParameter, Conflict, NotFound, Stale
from maydan.http.answers import Answer, Cache
from maydan.http.call import Call
from maydan.http.routing import ADMINISTRATOR, BY_OPERATION, LOGGED_IN, PUBLIC, AnyQuery, Route, route
from maydan.http.settings import LogSettings

pytestmark = pytest.mark.anyio

EDITOR = {"Authorization": "Bearer editor"}
OTHER = {"Authorization": "Bearer other"}
ADMIN = {"Authorization": "Bearer admin"}


class Thing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    size: int = 0


class ThingQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plain: bool = False
    limit: int = 25


@route("GET", "/api/things", public=True, query=ThingQuery)
async def list_things(call: Call) -> Answer:
    """List."""
    return Answer.page([{"limit": call.query.limit, "plain": call.query.plain}], next="abc", total=3)


@route("POST", "/api/spaces/{space}/things", permission="manage:types", body=Thing, status=201)
async def make_thing(call: Call, body: Thing) -> Answer:
    """Make."""
    return Answer.created(body, f"{call.url_path}/{body.name}")


@route("PATCH", "/api/spaces/{space}/things/{thing}", permission="manage:types", body=Thing, if_match=True)
async def change_thing(call: Call) -> Answer:
    """Change."""
    if call.path["thing"] != "one":
        raise NotFound
    call.require_match("one-tag")
    body = call.body(Thing)
    if body.name == "taken":
        raise Conflict("The name is taken.")
    return Answer.json(body, tag="two-tag")


@route("GET", "/api/spaces/{space}/things/{thing}", permission=BY_OPERATION)
async def read_thing(call: Call) -> Answer:
    """Read."""
    if call.path["thing"] == "secret":
        raise NotFound("There is no such thing.")
    return Answer(body=b'{"name":"one"}', cache=Cache.PUBLIC, tag_prefix="3", language="en")


@route("GET", "/api/spaces/{space}/blog/feed", permission=BY_OPERATION)
async def read_feed(call: Call) -> Answer:
    """Read."""
    return Answer.json(call.space.name)


@route("GET", "/api/mine", permission=LOGGED_IN)
async def read_mine(call: Call) -> Answer:
    """Read."""
    return Answer.json(call.actor.id)


@route("GET", "/api/settings", permission=ADMINISTRATOR)
async def read_settings(call: Call) -> Answer:
    """Read."""
    return Answer.json({})


@route("POST", "/api/broken", public=True)
async def break_down(call: Call) -> Answer:
    """Break."""
    raise RuntimeError("the password is swordfish")


@route("DELETE", "/api/things/{thing}", public=True, status=204)
async def delete_thing(call: Call) -> Answer:
    """Delete."""
    return Answer.empty()


ROUTES = [
    list_things, make_thing, change_thing, read_thing, read_feed, read_mine, read_settings, break_down, delete_thing,
]  # fmt: skip


async def test_every_answer_has_an_id_and_forbids_sniffing(serve: Any) -> None:
    """X-Request-Id, nosniff and no-referrer are on answers, refusals and what no route matches."""
    async with serve(ROUTES) as client:
        for answer in (
            await client.get("/api/things"),
            await client.get("/api/nothing"),
            await client.post("/api/things"),
            await client.options("/api/things"),
            await client.get("/api/mine"),
        ):
            assert answer.headers["x-request-id"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_sane_request_id_is_taken_over(serve: Any) -> None:
    """What would be harmful in a log is replaced by an id of ours."""
    async with serve(ROUTES) as client:
        kept = await client.get("/api/things", headers={"X-Request-Id": "abc-1.2_3"})
        replaced = await client.get("/api/things", headers={"X-Request-Id": 'x" onclick='})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    assert len(replaced.headers["x-request-id"]) == 36


async def test_a_published_answer_may_be_kept_by_anonymous_readers_only(serve: Any) -> None:
    """Anonymous and published: public with an ETag and Vary: Accept-Language; with a token: private."""
    async with serve(ROUTES) as client:
        nobody = await client.get("/api/spaces/open/things/one")
        somebody = await client.get("/api/spaces/open/things/one", headers=EDITOR)
    assert nobody.headers["cache-control"] == "public, no-cache"
    assert nobody.headers["vary"] == "Accept-Language"
    assert nobody.headers["content-language"] == "en"
    assert nobody.headers["etag"].startswith('"3-')
    assert somebody.headers["cache-control"] == "private, no-store"
    assert somebody.headers["vary"] == "Authorization"
    assert somebody.headers["etag"] == nobody.headers["etag"]


async def test_what_the_client_has_is_not_sent_again(serve: Any) -> None:
    """If-None-Match with the present tag, weak or in a list, is 304 without a body."""
    url = "/api/spaces/open/things/one"
    async with serve(ROUTES) as client:
        tag = (await client.get(url)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = await client.get(url, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
        assert (await client.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_head_is_get_without_its_body(serve: Any) -> None:
    """Every GET answers HEAD with the same headers."""
    async with serve(ROUTES) as client:
        get = await client.get("/api/spaces/open/things/one")
        head = await client.head("/api/spaces/open/things/one")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["etag"] == get.headers["etag"]


async def test_options_and_405_say_what_is_allowed(serve: Any) -> None:
    """Allow names the methods of the path, also of several routes."""
    async with serve(ROUTES) as client:
        options = await client.options("/api/spaces/open/things/one")
        refused = await client.put("/api/spaces/open/things/one", json={})
    assert options.status_code == 204
    assert options.headers["allow"] == refused.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"
    assert refused.status_code == 405
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/things/", "//api/things", "/api//things", "/api%2Fthings", "/API/things", "/api/things/%2e%2e"]
)
async def test_another_spelling_of_a_path_is_not_found(serve: Any, path: str) -> None:
    """One path has one spelling, so that nothing in front of us sees another path than we do."""
    async with serve(ROUTES) as client:
        answer = await client.send(_request(client, path))
    assert answer.status_code in (404, 405)


def _request(client: Any, path: str) -> Any:
    import httpx

    return client.build_request("GET", httpx.URL("http://test").copy_with(raw_path=path.encode()))


async def test_an_encoded_letter_is_the_letter(serve: Any) -> None:
    """Percent-encoding that changes nothing (RFC 3986, section 2.4) reaches the same thing."""
    async with serve(ROUTES) as client:
        assert (await client.send(_request(client, "/api/spaces/open/things/%6fne"))).status_code == 200
        assert (await client.send(_request(client, "/api/spaces/open/things/%ff"))).status_code == 400
        assert (await client.send(_request(client, "/api/spaces/open/things/a%00"))).status_code == 400


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
    json = {"Content-Type": "application/json"}
    wrong = b'{"name": 1}'
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


async def test_a_list_links_to_its_next_page(serve: Any) -> None:
    """Link is root-relative, and keeps the other parameters."""
    async with serve(ROUTES) as client:
        answer = await client.get("/api/things?limit=3&plain=true")
    assert answer.json()["next"] == "abc"
    assert answer.json()["total"] == 3
    assert answer.headers["link"] == '</api/things?limit=3&plain=true&cursor=abc>; rel="next"'


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


async def test_a_plugin_route_is_not_there_where_the_plugin_is_not_active(serve: Any) -> None:
    """The guard looks at the space; the answer is that of a path that does not exist."""
    import msgspec

    routes: list[Route] = [msgspec.structs.replace(read_feed, plugin="blog")]
    other: list[Route] = [msgspec.structs.replace(read_feed, plugin="tickets")]
    async with serve(routes) as client:
        assert (await client.get("/api/spaces/open/blog/feed")).json() == "open"
        assert (await client.get("/api/spaces/hidden/blog/feed", headers=ADMIN)).status_code == 404
    async with serve(other) as client:
        assert (await client.get("/api/spaces/open/blog/feed")).status_code == 404


async def test_a_public_route_works_in_a_space_that_nobody_sees(serve: Any) -> None:
    """A gateway's webhook or a printed QR code has no rights in the space; the plugin decides."""

    @route("GET", "/api/spaces/{space}/shop/ping", permission=PUBLIC)
    async def ping(call: Call) -> Answer:
        return Answer.json(call.space.name)

    async with serve([ping]) as client:
        assert (await client.get("/api/spaces/hidden/shop/ping")).json() == "hidden"
        assert (await client.get("/api/spaces/nope/shop/ping")).status_code == 404


def test_a_route_states_who_may_call_it() -> None:
    """Closed by default: neither a permission nor public=True is a mistake of its author."""
    with pytest.raises(ValueError, match="permission or public=True"):
        route("GET", "/api/x")
    with pytest.raises(ValueError, match=r"needs a \{space\}"):
        route("GET", "/api/x", permission="manage:types")(_nothing)


async def _nothing(call: Call) -> Answer:
    raise Stale


async def test_two_routes_on_one_path_are_refused(serve: Any) -> None:
    """At start, naming both."""
    with pytest.raises(ValueError, match="is taken by the core"):
        async with serve([list_things, list_things]):
            pass


async def test_a_query_that_a_route_parses_itself_is_read_first(serve: Any) -> None:
    """400 before 401, as for any other query; without parameters it is parsed once."""
    parsed: list[int] = []

    def parse(pairs: list[tuple[str, str]]) -> int:
        parsed.append(len(pairs))
        if len(pairs) > 1:
            raise BadParameter("Too many.")
        return len(pairs)

    @route("GET", "/api/counted", public=True, query=AnyQuery, parse=parse)
    async def counted(call: Call) -> Answer:
        return Answer.json(call.query)

    async with serve([counted]) as client:
        assert (await client.get("/api/counted")).json() == 0
        assert (await client.get("/api/counted")).json() == 0
        assert (await client.get("/api/counted?a=1")).json() == 1
        refused = await client.get("/api/counted?a=1&b=2", headers={"Authorization": "Bearer wrong"})
        assert refused.status_code == 400
    assert parsed == [0, 1, 2]


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
