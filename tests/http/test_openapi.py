from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct, convert
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from maydan.access.actors import system
from maydan.content.types import ContentType, Field, Kind
from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.openapi import Page, build_document
from maydan.http.routing import BY_OPERATION, Parameter, route
from maydan.http.surface import core_routes
from maydan.operations import spaces, types
from maydan.operations.core import Caller
from maydan.operations.spaces import SpaceInput

pytestmark = pytest.mark.anyio


class Thing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    size: int = 0


class ThingQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plain: bool = False
    of: tuple[str, ...] = ()


@route(
    "GET", "/api/spaces/{space}/things", permission=BY_OPERATION, query=ThingQuery, answer=Page[Thing], tags=("things",)
)
async def list_things(call: Call) -> Answer:
    """List the things.

    More about it.
    """
    return Answer.page([])


@route(
    "POST", "/api/spaces/{space}/things", permission="manage:types", body=Thing, answer=Thing, status=201,
    idempotency_required=True, headers=(Parameter(name="Cart-Token"),), errors=(410,),
)  # fmt: skip
async def make_thing(call: Call, body: Thing) -> Answer:
    """Make a thing."""
    return Answer.created(body, "/x")


@route(
    "PATCH", "/api/spaces/{space}/things/{thing}", permission="manage:types", body=Thing, answer=Thing, if_match=True
)
async def change_thing(call: Call) -> Answer:
    """Change a thing."""
    return Answer.json(call.body(Thing))


def document() -> dict[str, Any]:
    """Return the document of the routes above."""
    return build_document([list_things, make_thing, change_thing])


def check(found: dict[str, Any]) -> None:
    """Hold a document against the specification's own schema, and its references and names against itself."""
    errors = [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(found)]
    assert errors == []
    names = [operation["operationId"] for item in found["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    for reference in references(found):
        place: Any = found
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references(part: Any) -> list[str]:
    """Return every ``$ref`` in a document."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_the_document_is_openapi() -> None:
    """Valid by the specification's schema, each reference leads somewhere, each operation has a name of its own."""
    check(document())


def test_the_whole_surface_is_openapi() -> None:
    """The core's own routes too."""
    check(build_document(core_routes()))


def test_strictness_is_in_the_document() -> None:
    """What forbids unknown fields says so, and integers have their limits."""
    thing = document()["components"]["schemas"]["Thing"]
    assert thing["additionalProperties"] is False
    assert thing["required"] == ["name"]
    assert thing["properties"]["size"]["maximum"] == 2**63 - 1


def test_a_body_that_forbids_nothing_is_closed_in_the_document() -> None:
    """The kernel refuses unknown members of every body, so the document says so."""

    class Ring(Struct):
        text: str

    @route("POST", "/api/rings", public=True, body=Ring)
    async def ring(call: Call, body: Ring) -> Answer:
        """Ring."""
        return Answer.json(body)

    found = build_document([ring])
    check(found)
    body = found["paths"]["/api/rings"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Ring", "unevaluatedProperties": False}


def test_every_status_is_documented() -> None:
    """Those that follow from the declaration, and those that it names."""
    paths = document()["paths"]
    read = paths["/api/spaces/{space}/things"]["get"]["responses"]
    made = paths["/api/spaces/{space}/things"]["post"]["responses"]
    changed = paths["/api/spaces/{space}/things/{thing}"]["patch"]["responses"]
    assert set(read) == {"200", "304", "400", "401", "403", "404", "500", "503"}
    assert set(made) == {"201", "400", "401", "403", "404", "409", "410", "413", "415", "422", "500", "503"}
    assert {"412", "428"} <= set(changed)
    assert "Location" in made["201"]["headers"]


def test_parameters_come_from_the_declaration() -> None:
    """Path, query, and the headers that the kernel understands."""
    found = document()
    paths = found["paths"]

    def names(path: str, method: str) -> dict[str, bool]:
        parameters = paths[path][method]["parameters"]
        whole = [
            found["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            for each in parameters
        ]
        return {each["name"]: each.get("required", False) for each in whole}

    things = "/api/spaces/{space}/things"
    assert names(things, "get") == {
        "space": True, "plain": False, "of": False, "If-None-Match": False, "Accept-Language": False,
    }  # fmt: skip
    assert names(things, "post") == {
        "space": True, "Cart-Token": False, "Idempotency-Key": True, "Accept-Language": False,
    }  # fmt: skip
    assert names(f"{things}/{{thing}}", "patch")["If-Match"] is True


def test_who_may_call_is_in_the_document() -> None:
    """A token is needed, or optional."""
    paths = document()["paths"]["/api/spaces/{space}/things"]
    assert paths["post"]["security"] == [{"bearer": []}]
    assert paths["get"]["security"] == [{}, {"bearer": []}]


async def test_the_instance_serves_its_document(instance: Any) -> None:
    """With an ETag, so that a client asks only whether it changed."""
    first = await instance.client.get("/openapi.json")
    check(first.json())
    again = await instance.client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_a_space_has_a_document_of_its_own_for_each_caller(instance: Any) -> None:
    """Content types with their fields; without private ones for those who may not know of them."""
    core = instance.core
    caller = Caller(actor=system("a test"))
    wanted = SpaceInput(name="demo", title="Demo", locales=("en",), default_locale="en")
    space = await spaces.create_space(core, caller, wanted)
    fields = (Field(name="title", kind=Kind.STRING, required=True), Field(name="note", kind=Kind.TEXT, private=True))
    await types.create_type(core, caller, space, ContentType(name="article", title="Article", fields=fields))
    url = "/api/spaces/demo/openapi.json"
    readers = await instance.client.get(url)
    administrators = await instance.client.get(url, headers={"Authorization": "Bearer admin"})
    for answer, has_note in ((readers, False), (administrators, True)):
        found = answer.json()
        check(found)
        assert "/api/spaces/demo/content/article/{entry}" in found["paths"]
        entry = found["components"]["schemas"]["Entry.article"]
        assert "title" in entry["properties"]
        assert ("note" in entry["properties"]) is has_note
        get = found["paths"]["/api/spaces/demo/content/article/{entry}"]["get"]
        assert get["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Entry.article")
    assert readers.headers["cache-control"] == "public, no-cache"
    assert administrators.headers["cache-control"] == "private, no-store"
    assert "/api/spaces/demo/types" in administrators.json()["paths"]
    assert "post" not in readers.json()["paths"]["/api/spaces/demo/types"]


HIDDEN: dict[str, Any] = {
    "name": "ledger",
    "drafts": False,
    "fields": [{"name": "salary", "kind": "integer"}, {"name": "grade", "kind": "enum", "values": ["topmost"]}],
}
SHOWN: dict[str, Any] = {
    "name": "article",
    "title": "Article",
    "fields": [
        {"name": "title", "kind": "string", "localized": True},
        {"name": "rating", "kind": "integer"},
        {"name": "price", "kind": "money"},
        {"name": "paid", "kind": "relation", "to": ["ledger"], "on_delete": "nullify"},
        {"name": "author", "kind": "relation", "to": ["person"], "many": True},
        {"name": "note", "kind": "enum", "values": ["embargoed"], "private": True},
    ],
}
PERSON: dict[str, Any] = {"name": "person", "fields": [{"name": "nick", "kind": "string"}]}


async def define(core: Any, *definitions: dict[str, Any]) -> None:
    """Make a space with these types."""
    caller = Caller(actor=system("a test"))
    space = await spaces.create_space(core, caller, SpaceInput(name="demo", title="Demo", locales=("en", "ar")))
    for definition in definitions:
        await types.create_type(core, caller, space, convert(definition, ContentType))


async def test_a_document_names_nothing_that_its_reader_may_not_know(instance: Any) -> None:
    """No hidden type and no private field stands anywhere in it: not in names, enums, examples or descriptions."""
    await define(instance.core, HIDDEN, PERSON, SHOWN)
    url = "/api/spaces/demo/openapi.json"
    readers = (await instance.client.get(url)).text
    administrators = (await instance.client.get(url, headers={"Authorization": "Bearer admin"})).text
    for word in ("ledger", "salary", "grade", "topmost", "note]", '"note"', "embargoed"):
        assert word not in readers
        assert word in administrators


async def test_a_document_names_every_way_to_ask_for_entries(instance: Any) -> None:
    """A parameter for each field and operator, the orders, what can be shown and included, and the filter as JSON."""
    await define(instance.core, HIDDEN, PERSON, SHOWN)
    found = (await instance.client.get("/api/spaces/demo/openapi.json")).json()
    check(found)
    listed = found["paths"]["/api/spaces/demo/content/article"]["get"]["parameters"]
    parameters = {each["name"]: each["schema"] for each in listed if "name" in each}
    schemas = found["components"]["schemas"]
    assert parameters["filter[rating][gte]"]["type"] == "integer"
    assert parameters["filter[price.amount][lt]"]["type"] == "integer"
    assert parameters["filter[title][in]"]["type"] == "array"
    assert parameters["include[author][limit]"]["maximum"] == 100
    assert "filter[rating][icontains]" not in parameters
    assert parameters["locale"]["enum"] == ["en", "ar", "*"]
    assert {"rating", "-rating", "-price"} <= set(schemas["EntrySort.article"]["enum"])
    assert {"title", "author.nick"} <= set(schemas["EntryField.article"]["enum"])
    assert schemas["EntryInclude.article"]["enum"] == ["paid", "author"]
    condition = schemas["EntryFilter.article"]["properties"]
    assert {"$ref": "#/components/schemas/EntryPath.person"} in condition["author"]["anyOf"]
    assert {"and", "or", "not", "price.amount"} <= set(condition)
    body = found["paths"]["/api/spaces/demo/content/article/query"]["post"]["requestBody"]["content"]
    assert body["application/json"]["schema"] == {"$ref": "#/components/schemas/EntryQuery.article"}


async def test_a_relation_is_an_id_or_what_was_included(instance: Any) -> None:
    """As far as the reader may read what it leads to."""
    await define(instance.core, HIDDEN, PERSON, SHOWN)
    found = (await instance.client.get("/api/spaces/demo/openapi.json")).json()
    entry = found["components"]["schemas"]["Entry.article"]
    identity = {"type": "string", "format": "uuid"}
    assert entry["properties"]["author"]["items"] == {
        "anyOf": [identity, {"$ref": "#/components/schemas/Entry.person"}]
    }
    assert entry["properties"]["paid"] == {"anyOf": [identity, {"type": "null"}]}
    assert entry["required"] == ["id"]


async def test_a_document_lists_filters_of_what_stands_in_components(instance: Any) -> None:
    """Each path and operator, as deep as it goes, as far as its reader may read the component, and not without end."""
    part: dict[str, Any] = {"name": "part", "kind": "component", "many": True, "of": [
        {"name": "label", "kind": "string"}, {"name": "price", "kind": "money"},
        {"name": "size", "kind": "component", "of": [{"name": "width", "kind": "integer"}]}]}  # fmt: skip
    wide = {
        "name": "wide",
        "kind": "component",
        "of": [{"name": f"w{number}", "kind": "string"} for number in range(150)],
    }
    thing = {"name": "thing", "fields": [part, {**part, "name": "hidden", "private": True}]}
    await define(instance.core, thing, {"name": "broad", "fields": [wide]})
    readers = await _parameters(instance)
    administrators = await _parameters(instance, headers={"Authorization": "Bearer admin"})
    for name in ("label][startswith", "price.amount][gte", "size][exists", "size.width][lt"):
        assert f"filter[part.{name}]" in readers["thing"]
        assert f"filter[hidden.{name}]" in administrators["thing"] - readers["thing"]
    assert "filter[part.label][icontains]" not in readers["thing"]
    assert "filter[wide.w1][eq]" in readers["broad"]
    assert "filter[wide.w149][eq]" not in readers["broad"]


async def _parameters(instance: Any, **more: Any) -> dict[str, set[str]]:
    """Return the names of the parameters of the lists of two types."""
    paths = (await instance.client.get("/api/spaces/demo/openapi.json", **more)).json()["paths"]
    return {
        name: {each.get("name", "") for each in paths[f"/api/spaces/demo/content/{name}"]["get"]["parameters"]}
        for name in ("thing", "broad")
    }
