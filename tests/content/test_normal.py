from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import structs

from maydan.content.changes import list_losses, renamed
from maydan.content.normal import MOST_FIELDS, check_type
from maydan.content.types import ContentType, Kind
from maydan.errors import InvalidInput


def written(*fields: dict[str, Any], **options: Any) -> ContentType:
    """Return a type as JSON would give it."""
    return msgspec.convert({"name": "article", "fields": list(fields), **options}, ContentType)


def problems(candidate: ContentType, **options: Any) -> dict[str, str]:
    """Return the code of each pointer in the refusal of a type."""
    with pytest.raises(InvalidInput) as refused:
        check_type(candidate, **{"previous": None, **options})
    return {error.pointer: error.code for error in refused.value.errors}


def field_problems(**options: Any) -> dict[str, str]:
    """Return the same for a type with one field."""
    found = problems(written({"name": "x", **options}))
    return {pointer.removeprefix("/fields/0"): code for pointer, code in found.items()}


def test_the_normal_form_is_its_own_normal_form(article: ContentType) -> None:
    """A type that was dumped as JSON is read back equal, ids included."""
    again = msgspec.json.decode(msgspec.json.encode(article), type=ContentType)
    assert again == article
    assert check_type(again, previous=None) == article
    assert check_type(again, previous=article) == article
    assert all(field.id == field.name for field in article.fields)


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        ({"kind": "integer", "max_length": 3}, "/max_length", "option_not_for_kind"),
        ({"kind": "string", "values": ["a"]}, "/values", "option_not_for_kind"),
        ({"kind": "string", "on_delete": "cascade"}, "/on_delete", "option_not_for_kind"),
        ({"kind": "string", "min": 1}, "/min", "option_not_for_kind"),
        ({"kind": "boolean", "many": True}, "/many", "option_not_for_kind"),
        ({"kind": "richtext", "unique": True}, "/unique", "option_not_for_kind"),
        ({"kind": "secret", "private": True}, "/private", "option_not_for_kind"),
        ({"kind": "secret", "localized": True}, "/localized", "option_not_for_kind"),
        ({"kind": "relation", "to": ["a"], "localized": True}, "/localized", "option_not_for_kind"),
        ({"kind": "relation"}, "/to", "too_few"),
        ({"kind": "relation", "to": ["No Name"]}, "/to/0", "unknown_type"),
        ({"kind": "relation", "to": ["a", "a"]}, "/to/1", "duplicate"),
        ({"kind": "enum"}, "/values", "too_few"),
        ({"kind": "enum", "values": ["a", "b", "a"]}, "/values/2", "duplicate"),
        ({"kind": "enum", "values": [""]}, "/values/0", "too_short"),
        ({"kind": "enum", "values": ["a\0"]}, "/values/0", "control_character"),
        ({"kind": "enum", "values": [str(number) for number in range(1001)]}, "/values", "too_many"),
        ({"kind": "enum", "values": ["a"], "default": "b"}, "/default", "invalid_choice"),
        ({"kind": "integer", "default": "1"}, "/default", "not_an_integer"),
        ({"kind": "integer", "min": 3, "max": 1}, "/min", "too_large"),
        ({"kind": "integer", "min": "3"}, "/min", "not_an_integer"),
        ({"kind": "integer", "max": 5, "default": 6}, "/default", "too_large"),
        ({"kind": "decimal", "min": "10", "max": "9.5"}, "/min", "too_large"),
        ({"kind": "date", "min": "soon"}, "/min", "invalid_date"),
        ({"kind": "string", "min_length": 3, "max_length": 1}, "/min_length", "too_large"),
        ({"kind": "string", "max_length": 0}, "/max_length", "too_small"),
        ({"kind": "string", "min_length": -1}, "/min_length", "too_small"),
        ({"kind": "asset", "max_length": 3}, "/max_length", "option_conflict"),
        ({"kind": "string", "pattern": "("}, "/pattern", "bad_pattern"),
        ({"kind": "string", "pattern": "a" * 501}, "/pattern", "bad_pattern"),
        ({"kind": "string", "unique": True, "many": True}, "/unique", "option_conflict"),
        ({"kind": "string", "unique": True, "default": "x"}, "/unique", "option_conflict"),
        ({"kind": "string", "indexed": True, "many": True}, "/indexed", "option_conflict"),
        ({"kind": "component"}, "/of", "too_few"),
        ({"kind": "component", "of": {"a": [{"name": "x", "kind": "string"}]}}, "/of", "not_a_list"),
        ({"kind": "blocks", "of": [{"name": "x", "kind": "string"}]}, "/of", "not_an_object"),
        ({"kind": "blocks", "of": {"No": [{"name": "x", "kind": "string"}]}}, "/of/No", "bad_name"),
        ({"kind": "blocks", "of": {"a": [{"name": "type", "kind": "string"}]}}, "/of/a/0/name", "reserved_name"),
        ({"kind": "component", "of": [{"name": "x", "kind": "secret"}]}, "/of/0/kind", "forbidden_here"),
        (
            {"kind": "component", "of": [{"name": "x", "kind": "string", "private": True}]},
            "/of/0/private",
            "forbidden_here",
        ),
        (
            {"kind": "component", "of": [{"name": "x", "kind": "string", "localized": True}]},
            "/of/0/localized",
            "forbidden_here",
        ),
        (
            {"kind": "component", "localized": True, "of": [{"name": "x", "kind": "relation", "to": ["a"]}]},
            "/of",
            "option_conflict",
        ),
    ],
)
def test_an_option_must_suit_its_kind(options: dict[str, Any], pointer: str, code: str) -> None:
    """Each kind takes its own options, and each is refused at its place."""
    assert field_problems(**options) == {pointer: code}


@pytest.mark.parametrize(
    "name", ["id", "slug", "status", "_locales", "Title", "1a", "a-b", "a.b", "", "x" * 64, "and", "or", "not", "té"]
)
def test_a_field_has_a_plain_name_of_its_own(name: str) -> None:
    """Not those of system fields, nor the words that group conditions."""
    assert set(problems(written({"name": name, "kind": "string"}))) == {"/fields/0/name"}


def test_names_are_given_once() -> None:
    """The second field of a name is refused."""
    assert problems(written({"name": "a", "kind": "string"}, {"name": "a", "kind": "text"})) == {
        "/fields/1/name": "duplicate"
    }


def test_members_of_a_component_may_be_called_like_system_fields() -> None:
    """An address has a state, whatever the workflow calls so."""
    fields = [{"name": "state", "kind": "string"}, {"name": "type", "kind": "string"}]
    assert check_type(written({"name": "address", "kind": "component", "of": fields}), previous=None)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"name": "No"}, "/name"),
        ({"name": "a.b.c"}, "/name"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "a\n"}, "/title"),
        ({"slug_from": "nope"}, "/slug_from"),
        ({"slug_from": "n"}, "/slug_from"),
        ({"slug_from": "p"}, "/slug_from"),
        ({"indexes": [[]]}, "/indexes/0"),
        ({"indexes": [["nope"]]}, "/indexes/0/0"),
        ({"indexes": [["n", "-n"]]}, "/indexes/0/1"),
        ({"indexes": [["many"]]}, "/indexes/0/0"),
        ({"indexes": [["tags"]]}, "/indexes/0/0"),
        ({"indexes": [["created_by"]]}, "/indexes/0/0"),
        ({"indexes": [["n"]] * 21}, "/indexes"),
        ({"engagement": ["karma"]}, "/engagement/0"),
        ({"engagement": ["comments", "comments"]}, "/engagement/1"),
    ],
)
def test_the_head_of_a_type_is_checked(options: dict[str, Any], pointer: str) -> None:
    """Name, title, the slug's source, indexes and engagement."""
    fields = (
        {"name": "t", "kind": "string"},
        {"name": "n", "kind": "integer"},
        {"name": "p", "kind": "string", "private": True},
        {"name": "many", "kind": "string", "many": True},
    )
    assert list(problems(written(*fields, **options))) == [pointer]


def test_indexes_may_use_system_fields_and_money() -> None:
    """Equal indexes are one; a plugin's type has a dot in its name, and a title if it gives none."""
    made = check_type(
        written(
            {"name": "price", "kind": "money"},
            name="blog.big_post",
            indexes=[["-created_at"], ["price", "slug"], ["-created_at"]],
        ),
        previous=None,
    )
    assert made.indexes == (("-created_at",), ("price", "slug"))
    assert made.title == "Big post"


def test_a_type_has_at_most_500_fields() -> None:
    """Members of components count too."""
    many = [{"name": f"f{number}", "kind": "string"} for number in range(MOST_FIELDS)]
    assert len(check_type(written(*many), previous=None).fields) == MOST_FIELDS
    assert problems(written(*many, {"name": "x", "kind": "string"})) == {"/fields": "too_many"}
    assert problems(written({"name": "c", "kind": "component", "of": many})) == {"/fields/0/of": "too_many"}


def test_components_nest_four_deep() -> None:
    """Deeper ones are refused where they start."""
    fields: list[dict[str, Any]] = [{"name": "x", "kind": "string"}]
    for _ in range(4):
        fields = [{"name": "c", "kind": "component", "of": fields}]
    assert check_type(written(*fields), previous=None)
    assert list(problems(written({"name": "c", "kind": "component", "of": fields})).values()) == ["too_deep"]


def test_relations_point_at_known_types_where_these_are_given() -> None:
    """A type may always point at itself; without a list, what comes later is allowed."""
    candidate = written({"name": "r", "kind": "relation", "to": ["article", "person"]})
    assert check_type(candidate, previous=None)
    assert check_type(candidate, known_types=["person"], previous=None)
    assert problems(candidate, known_types=[]) == {"/fields/0/to/1": "unknown_type"}


def test_bounds_and_defaults_are_kept_in_normal_form() -> None:
    """A bound is a value of the field's kind."""
    made = check_type(
        written(
            {"name": "d", "kind": "decimal", "min": "01.50", "default": "2.0"},
            {"name": "t", "kind": "time", "max": "09:00:00"},
        ),
        previous=None,
    )
    assert (made.fields[0].min, made.fields[0].default, made.fields[1].max) == ("1.5", "2", "09:00")


def ids(type: ContentType) -> dict[str, str]:
    """Return the id of each field by its name."""
    return {field.name: field.id for field in type.fields}


def changed(previous: ContentType, *fields: dict[str, Any], **rename: str) -> ContentType:
    """Return the type after a change to these fields."""
    return check_type(written(*fields), previous=previous, rename=rename)


@pytest.fixture
def simple() -> ContentType:
    """A type as it was first made."""
    made = check_type(
        written(
            {"name": "title", "kind": "string"},
            {"name": "price", "kind": "integer"},
            {"name": "mood", "kind": "enum", "values": ["a", "b"]},
        ),
        previous=None,
    )
    return structs.replace(made, key=7, version=3)


def test_the_system_keeps_what_it_set(simple: ContentType) -> None:
    """Key and version come from the type before, whatever a candidate says; its name cannot change."""
    now = check_type(structs.replace(simple, key=99, version=99, retired_ids=("x",)), previous=simple)
    assert (now.key, now.version, now.retired_ids) == (7, 3, ())
    assert problems(structs.replace(simple, name="other"), previous=simple) == {"/name": "read_only"}


def test_a_renamed_field_keeps_its_id(simple: ContentType) -> None:
    """A rename loses nothing, also where names change places."""
    now = check_type(renamed(simple, {"price": "amount"}), previous=simple, rename={"price": "amount"})
    assert ids(now)["amount"] == "price"
    assert list_losses(simple, now) == []
    swapped = renamed(simple, {"price": "title", "title": "price"})
    now = check_type(swapped, previous=simple, rename={"price": "title", "title": "price"})
    assert (ids(now)["title"], ids(now)["price"]) == ("price", "title")


def test_a_new_field_never_gets_the_id_of_an_old_one(simple: ContentType) -> None:
    """Neither one that was renamed away, nor one that was dropped, ever."""
    candidate = structs.replace(
        renamed(simple, {"price": "amount"}), fields=(*renamed(simple, {"price": "amount"}).fields, simple.fields[1])
    )
    now = check_type(candidate, previous=simple, rename={"price": "amount"})
    assert (ids(now)["amount"], ids(now)["price"]) == ("price", "price2")
    dropped = check_type(structs.replace(simple, fields=simple.fields[:1]), previous=simple)
    assert dropped.retired_ids == ("mood", "price")
    kept = check_type(structs.replace(dropped, title="Other"), previous=dropped)
    again = check_type(structs.replace(kept, fields=simple.fields), previous=kept)
    assert ids(again) == {"title": "title", "price": "price2", "mood": "mood2"}


def test_a_field_of_another_shape_starts_empty(simple: ContentType) -> None:
    """Values that do not fit are not shown as if they did; those that fit stay."""
    title, price, mood = (msgspec.to_builtins(field) for field in simple.fields)
    for other in ({**price, "kind": "string"}, {**price, "localized": True}, {**price, "many": True}):
        now = changed(simple, title, other, mood)
        assert ids(now)["price"] == "price2"
        assert [loss.code for loss in list_losses(simple, now)] == ["retyped"]
    wider = changed(simple, {**title, "kind": "text"}, {**price, "kind": "number"}, {"name": "mood", "kind": "string"})
    assert ids(wider) == {"title": "title", "price": "price", "mood": "mood"}
    assert list_losses(simple, wider) == []


def test_losses_name_the_field_and_the_reason(simple: ContentType) -> None:
    """Dropped, and drafts that would become public."""
    title, _, mood = (msgspec.to_builtins(field) for field in simple.fields)
    now = changed(simple, title, mood)
    assert [(loss.pointer, loss.code) for loss in list_losses(simple, now)] == [("/fields/1", "dropped")]
    undrafted = check_type(structs.replace(simple, drafts=False), previous=simple)
    assert [loss.code for loss in list_losses(simple, undrafted)] == ["undrafted"]
    more = changed(simple, *(msgspec.to_builtins(field) for field in simple.fields), {"name": "new", "kind": "string"})
    assert list_losses(simple, more) == []


def test_members_of_components_and_blocks_have_ids_too() -> None:
    """A member that was dropped and made again starts empty; a block that goes is a loss."""
    part = {"name": "x", "kind": "string"}
    first = check_type(
        written(
            {"name": "c", "kind": "component", "of": [part, {"name": "y", "kind": "string"}]},
            {"name": "b", "kind": "blocks", "of": {"q": [part], "r": [part]}},
        ),
        previous=None,
    )
    second = changed(
        first,
        {"name": "c", "kind": "component", "of": [{"name": "y", "kind": "string"}]},
        {"name": "b", "kind": "blocks", "of": {"q": [part]}},
    )
    assert [(loss.pointer, loss.code) for loss in list_losses(first, second)] == [
        ("/fields/0/of/0", "dropped"),
        ("/fields/1/of/r", "dropped"),
    ]
    third = changed(
        second,
        {"name": "c", "kind": "component", "of": [part]},
        {"name": "b", "kind": "blocks", "of": {"q": [part], "r": [part]}},
    )
    component, blocks = third.fields
    assert isinstance(component.of, tuple)
    assert isinstance(blocks.of, dict)
    assert (component.of[0].id, blocks.of["q"][0].id, blocks.of["r"][0].id) == ("x2", "x", "x2")


@pytest.mark.parametrize("rename", [{"nope": "title"}, {"price": "nope"}, {"price": "title", "mood": "title"}])
def test_a_rename_that_makes_no_sense_is_refused(simple: ContentType, rename: dict[str, str]) -> None:
    """The old name is there before, the new one after, and each once."""
    assert set(problems(simple, previous=simple, rename=rename).values()) == {"renamed_nothing"}


def test_ids_are_not_for_clients_to_choose(simple: ContentType) -> None:
    """An id may be sent back as it is, and no other."""
    fields = [msgspec.to_builtins(field) for field in simple.fields]
    assert changed(simple, *fields) == structs.replace(simple, version=3)
    fields[1]["id"] = "title"
    with pytest.raises(InvalidInput) as refused:
        changed(simple, *fields)
    assert [error.pointer for error in refused.value.errors] == ["/fields/1/id"]


def test_renaming_reaches_the_slug_source_and_the_indexes(article: ContentType) -> None:
    """What names the field follows it."""
    now = renamed(article, {"title": "name", "rating": "stars"})
    assert now.slug_from == "name"
    assert now.indexes == (("category", "-stars"),)
    assert check_type(now, previous=article, rename={"title": "name", "rating": "stars"}).field("stars") is not None


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_rules_and_can_be_made(kind: Kind) -> None:
    """The table of kinds is complete."""
    more: dict[Kind, dict[str, Any]] = {
        Kind.ENUM: {"values": ["a"]},
        Kind.RELATION: {"to": ["a"]},
        Kind.COMPONENT: {"of": [{"name": "x", "kind": "string"}]},
        Kind.BLOCKS: {"of": {"a": [{"name": "x", "kind": "string"}]}},
    }
    assert (
        check_type(written({"name": "x", "kind": kind.value, **more.get(kind, {})}), previous=None).fields[0].kind
        is kind
    )
