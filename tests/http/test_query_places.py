"""The places that refusals of a query's body name: JSON pointers into the body."""

from __future__ import annotations

from typing import Any

import pytest
from site_support import Site, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import BadCursor, BadParameter, InputError
from maydan.http.query_places import in_body

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/spot"
SPOT: dict[str, Any] = {
    "name": "spot",
    "fields": [
        {"name": "age", "kind": "integer"},
        {"name": "near", "kind": "relation", "to": ["spot"], "many": True, "on_delete": "nullify"},
    ],
}
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"limit": 0}, "/limit"),
    ({"offset": -1}, "/offset"),
    ({"locale": "de"}, "/locale"),
    ({"sort": ["nothing"]}, "/sort"),
    ({"fields": ["nothing"]}, "/fields"),
    ({"include": ["nothing"]}, "/include"),
    ({"include": ["near.near", {"path": "near", "limit": 0}]}, "/include/1/limit"),
    ({"include": [{"path": "near", "sort": ["nothing"]}]}, "/include/0/sort"),
    ({"filter": {"age": {"eq": "x"}}}, "/filter/age/eq"),
    ({"filter": {"age": {"like": 1}}}, "/filter/age/like"),
    ({"filter": {"nothing": {"eq": 1}}}, "/filter/nothing"),
    ({"filter": {"near": {"age": {"eq": "x"}}}}, "/filter/near/age/eq"),
    ({"filter": {"near.age": {"eq": "x"}}}, "/filter/near.age/eq"),
    ({"filter": {"or": [{"age": {"gt": 1}}, {"not": {"age": {"eq": "x"}}}]}}, "/filter/or/1/not/age/eq"),
    ({"filter": {"or": [{"age": 3}]}}, "/filter/or/0/age"),
    ({"filter": {"a~b/c": {"eq": 1}}}, "/filter/a~0b~1c"),
)


@pytest.fixture
async def spots(sqlite_url: str) -> Any:
    """A site with one type, and nothing in it."""
    async with open_site(sqlite_url) as site:
        await site.define(SPOT)
        yield site


async def test_what_is_wrong_in_a_body_is_pointed_at(spots: Site) -> None:
    """Where it stands in the body as it was sent, in groups, with dots or without; the status is that of an address."""
    for body, pointer in REFUSED:
        answer = await spots.post(f"{LIST}/query", body)
        problem = answer.json()
        assert (answer.status_code, [error["pointer"] for error in problem["errors"]]) == (400, [pointer]), body
        assert problem["detail"].startswith(f"{pointer} "), body


async def test_addresses_name_their_parameters(spots: Site) -> None:
    """As they are written there."""
    for query, name in (("limit=0", "limit"), ("filter[age][eq]=x", "filter[age][eq]"), ("locale=de", "locale")):
        answer = await spots.get(f"{LIST}?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, name)


def test_a_refusal_stays_what_it_is() -> None:
    """With its code and without places, and where the body says nothing of the kind."""
    kept = in_body(BadCursor("The cursor is another query's."), {})
    assert (type(kept), kept.error_code, kept.errors) == (BadCursor, "bad_cursor", ())
    odd = BadParameter(
        "", errors=(InputError("filter[x][0][y]", "wrong_value", "m"), InputError("include[a]", "c", "m"))
    )
    assert [one.pointer for one in in_body(odd, {"filter": [], "include": 3}).errors] == ["/filter/x/0/y", "/include/a"]
