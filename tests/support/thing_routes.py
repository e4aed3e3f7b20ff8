"""Routes of made-up things: one of each sort that the kernel knows."""

from __future__ import annotations

from msgspec import Struct

from maydan.errors import Conflict, NotFound
from maydan.http.answers import Answer, Cache
from maydan.http.call import Call
from maydan.http.routing import ADMINISTRATOR, BY_OPERATION, LOGGED_IN, route

EDITOR = {"Authorization": "Bearer editor"}
OTHER = {"Authorization": "Bearer other"}
ADMIN = {"Authorization": "Bearer admin"}


class Thing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    size: int = 0


class ThingQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plain: bool = False
    limit: int = 25
    cursor: str = ""
    offset: int = 0


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
