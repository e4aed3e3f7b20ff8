from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType
from site_support import ARTICLE, open_site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.errors import InvalidInput
from maydan.http.conversion import convert_body

LOOSE = (
    "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+00:01", "2026-01-01T00:00:00+0330",
    "2026-01-01 00:00:00Z", "2026-01-01T00:00:00",
)  # fmt: skip
"""Moments that a datetime field refuses: beyond what UTC can show, or looser than RFC 3339."""


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    quantity: Annotated[int, Meta(ge=1, le=10)]
    options: dict[str, int] = {}


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=5, min_length=1)]
    lines: tuple[Line, ...] = ()
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    at: datetime | None = None
    note: str | UnsetType | None = UNSET
    flag: bool = False
    price: float = 0.0
    sku: Annotated[str, Meta(pattern="^[a-z]+$")] = "x"
    tags: Annotated[list[str], Meta(max_length=2)] = []
    gifts: Annotated[tuple[Line, ...], Meta(max_length=2)] | None = None


class Seat(Struct, tag_field="kind", tag="seat"):
    row: str = "a"


class Ring(Struct):
    text: str
    seats: tuple[Seat, ...] = ()
    by_name: dict[str, Seat | None] = {}


def errors_of(data: Any) -> list[tuple[str, str, str]]:
    """Return pointer, code and message of everything that is wrong."""
    with pytest.raises(InvalidInput) as caught:
        convert_body(data, Order)
    return [(error.pointer, error.code, error.message) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        ([], "", "not_an_object"),
        ({}, "/name", "field_required"),
        ({"name": "x", "y": 1}, "/y", "unknown_field"),
        ({"name": 1}, "/name", "not_text"),
        ({"name": None}, "/name", "not_text"),
        ({"name": "abcdef"}, "/name", "too_long"),
        ({"name": ""}, "/name", "too_short"),
        ({"name": "x", "lines": {}}, "/lines", "not_a_list"),
        ({"name": "x", "gifts": [{"quantity": 1}, {}]}, "/gifts/1/quantity", "field_required"),
        ({"name": "x", "gifts": [{"quantity": 1, "q": 2}]}, "/gifts/0/q", "unknown_field"),
        ({"name": "x", "gifts": [{"quantity": 1}] * 3}, "/gifts", "too_many"),
        ({"name": "x", "gifts": {}}, "/gifts", "not_a_list"),
        ({"name": "x", "lines": [{"quantity": 1}, {"quantity": "1"}]}, "/lines/1/quantity", "not_an_integer"),
        ({"name": "x", "lines": [{"quantity": 1.0}]}, "/lines/0/quantity", "not_an_integer"),
        ({"name": "x", "lines": [{"quantity": True}]}, "/lines/0/quantity", "not_an_integer"),
        ({"name": "x", "lines": [{"quantity": 0}]}, "/lines/0/quantity", "too_small"),
        ({"name": "x", "lines": [{"quantity": 11}]}, "/lines/0/quantity", "too_large"),
        ({"name": "x", "lines": [{"quantity": 1, "options": {"a/b": "1"}}]}, "/lines/0/options/a~1b", "not_an_integer"),
        ({"name": "x", "colour": "green"}, "/colour", "invalid_choice"),
        ({"name": "x", "kind": "c"}, "/kind", "invalid_choice"),
        ({"name": "x", "at": "yesterday"}, "/at", "invalid_datetime"),
        *[({"name": "x", "at": at}, "/at", "invalid_datetime") for at in LOOSE],
        ({"name": "x", "note": 1}, "/note", "not_text"),
        ({"name": "x", "flag": 1}, "/flag", "not_a_boolean"),
        ({"name": "x", "price": "1"}, "/price", "not_a_number"),
        ({"name": "x", "sku": "A"}, "/sku", "pattern_mismatch"),
        ({"name": "x", "tags": ["a", "b", "c"]}, "/tags", "too_many"),
    ],
)
def test_a_problem_has_its_place_and_its_code(data: Any, pointer: str, code: str) -> None:
    """A pointer and a stable code, whichever way msgspec words it."""
    assert [(error[0], error[1]) for error in errors_of(data)] == [(pointer, code)]


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({"text": "a", "y": 1}, ["/y"]),
        ({"text": 1, "y": 1}, ["/text", "/y"]),
        ({"text": "a", "seats": [{"kind": "seat"}, {"kind": "seat", "y": 1}]}, ["/seats/1/y"]),
        ({"text": "a", "by_name": {"b": {"kind": "seat", "y": 1}, "c": None}}, ["/by_name/b/y"]),
    ],
)
def test_a_struct_that_forbids_nothing_takes_no_unknown_members(data: Any, pointers: list[str]) -> None:
    """Plugins declare such ones; nothing that a client sends is ignored in silence."""
    with pytest.raises(InvalidInput) as caught:
        convert_body(data, Ring)
    assert [error.pointer for error in caught.value.errors] == pointers
    known = {"text": "a", "seats": [{"kind": "seat", "row": "b"}], "by_name": {"b": None}}
    assert convert_body(known, Ring) == Ring(text="a", seats=(Seat(row="b"),), by_name={"b": None})


def test_all_problems_are_named_at_once() -> None:
    """In the order of the input, then what is missing."""
    found = errors_of({"x": 1, "lines": [{"quantity": "1"}, {}], "colour": "green"})
    assert [error[0] for error in found] == ["/x", "/lines/0/quantity", "/lines/1/quantity", "/colour", "/name"]


def test_a_choice_names_what_there_is() -> None:
    """An enum's and a literal's members are in the message."""
    assert errors_of({"name": "x", "colour": "green"})[0][2] == "must be one of: red, blue"
    assert errors_of({"name": "x", "kind": "c"})[0][2] == "must be one of: a, b"


def test_a_flood_of_problems_is_cut() -> None:
    """The answer to nonsense stays small."""
    assert len(errors_of({"name": "x", "lines": [{"quantity": "1"}] * 1000})) == 100


def test_what_is_right_is_converted() -> None:
    """Nulls and absent members keep their difference."""
    order = convert_body({"name": "x", "note": None, "lines": [{"quantity": 2}]}, Order)
    assert order == Order(name="x", note=None, lines=(Line(quantity=2),))
    assert convert_body({"name": "x"}, Order).note is UNSET
    order = convert_body({"name": "x", "at": "2026-01-01t00:00:00.5+03:30"}, Order)
    assert order.at == datetime(2025, 12, 31, 20, 30, 0, 500_000, UTC)


@pytest.mark.anyio
async def test_moments_are_read_as_datetime_fields_read_them(sqlite_url: str) -> None:
    """Wherever one is given: in a body, in a line of a bulk, in a parameter; and nothing is stored."""
    async with open_site(sqlite_url) as site:
        await site.define(ARTICLE)
        entry = await site.entry({"title": "One"}, publish=False)
        path = f"/api/spaces/demo/content/article/{entry['id']}"
        for at in LOOSE:
            for place, body, pointer in (
                ("publish", {"at": at}, "/at"),
                ("unpublish", {"at": at}, "/at"),
                ("shares", {"link": True, "rights": "view", "expires_at": at}, "/expires_at"),
            ):
                answer = await site.post(f"{path}/{place}", body, headers=site.admin)
                assert answer.status_code == 422, (place, at, answer.text)
                assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
                    (pointer, "invalid_datetime")
                ]
            line = f'{{"op": "publish", "type": "article", "id": "{entry["id"]}", "data": {{"at": "{at}"}}}}\n'
            answer = await site.client.post(
                "/api/spaces/demo/bulk", content=line, headers={**site.admin, "content-type": "application/x-ndjson"}
            )
            problem = msgspec.json.decode(answer.content)["problem"]
            assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
                ("/data/at", "invalid_datetime")
            ]
            for audit in ("/api/audit", "/api/spaces/demo/audit"):
                answer = await site.get(audit, params={"since": at}, headers=site.admin)
                assert answer.status_code == 400, (audit, at, answer.text)
                assert answer.json()["errors"][0]["code"] == "invalid_datetime"
        assert (await site.get(path, params={"perspective": "draft"}, headers=site.admin)).json()["status"] == "draft"
