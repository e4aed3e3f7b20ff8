from __future__ import annotations

from typing import Any

import pytest
from thing_routes import ADMIN, ROUTES, list_things, read_feed  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import BadParameter, Stale
from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.routing import PUBLIC, AnyQuery, Route, route

pytestmark = pytest.mark.anyio


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
