"""Targets in the place of ids: by the text alone the same as by decoding and encoding it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from maydan.content.splices import Cutter, Finder, KnownPlaces, Unclear, is_alone, spliced
from maydan.content.types import ContentType, Field, Kind

ENCODE = msgspec.json.Encoder().encode
MEMBERS = msgspec.json.Decoder(dict[str, Raw]).decode

NAMES = ("a", "ab", "b", "amount", "lat")
"""Of relations, and of what stands deeper: they meet."""
_ids = st.uuids().map(str)
_keys = st.sampled_from((*NAMES, 'x"a', "a\\", '"a":', "\u202ea", "é"))
_texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(('"a":null', '\\"a\\":"', '{"a":["', "a\\", '"', "\u2028", "🙂", '","', "]}")),
    st.tuples(_keys, _ids).map(lambda pair: f'"{pair[0]}":"{pair[1]}"'),
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), _texts, _ids, st.lists(_ids, max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=3)),
    max_leaves=8,
)
_many = st.lists(_ids, max_size=4, unique=True)
_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.STRING: st.none() | _texts,
    Kind.RICHTEXT: st.none() | _texts,
    Kind.JSON: _json,
    Kind.MONEY: st.none() | st.fixed_dictionaries({"amount": st.integers(0, 9), "currency": st.just("USD")}),
    Kind.GEO: st.none() | st.fixed_dictionaries({"lat": st.floats(0, 9), "lng": st.floats(0, 9)}),
}


@st.composite
def _fields(draw: st.DrawFn, *, depth: int = 0) -> tuple[Field, ...]:
    kinds = [Kind.STRING, Kind.RICHTEXT, Kind.JSON, Kind.MONEY, Kind.GEO, Kind.RELATION, Kind.RELATION]
    kinds += [Kind.COMPONENT, Kind.BLOCKS] if depth < 2 else []
    names = draw(st.lists(st.sampled_from((*NAMES, "c", "d", "e")), min_size=1, max_size=5, unique=True))
    return tuple(draw(_field(name, draw(st.sampled_from(kinds)), depth)) for name in names)


@st.composite
def _field(draw: st.DrawFn, name: str, kind: Kind, depth: int) -> Field:
    of: Any = ()
    if kind is Kind.COMPONENT:
        of = draw(_fields(depth=depth + 1))
    if kind is Kind.BLOCKS:
        of = {"q": draw(_fields(depth=depth + 1)), "r": draw(_fields(depth=depth + 1))}
    many = kind in (Kind.RELATION, Kind.COMPONENT) and draw(st.booleans())
    return Field(name=name, kind=kind, many=many, of=of, to=("t",) if kind is Kind.RELATION else ())


@st.composite
def _document(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, Any]:
    return {field.name: draw(_value(field)) for field in fields}


def _value(field: Field) -> st.SearchStrategy[Any]:
    if field.kind is Kind.RELATION:
        return _many if field.many else st.none() | _ids
    if isinstance(field.of, dict):
        blocks = [
            _document(fields).map(lambda inner, name=name: {"type": name, **inner}) for name, fields in field.of.items()
        ]
        return st.lists(st.one_of(blocks), max_size=2)
    if field.kind is Kind.COMPONENT:
        one = _document(field.of)
        return st.lists(one, max_size=2) if field.many else st.none() | one
    return _VALUES[field.kind]


@st.composite
def _cases(draw: st.DrawFn) -> tuple[ContentType, dict[str, Any], bool]:
    fields = draw(_fields())
    content_type = ContentType(name="thing", fields=fields)
    maps = draw(st.booleans())
    document: dict[str, Any] = {"id": draw(_ids), "type": "thing", "tags": draw(st.lists(_texts, max_size=2))}
    if maps:
        document["slug"] = draw(st.dictionaries(_keys, _texts, max_size=2))
    document |= draw(_document(fields))
    dropped = draw(st.sets(st.sampled_from([field.name for field in fields]), max_size=2))
    return content_type, {name: value for name, value in document.items() if name not in dropped}, maps


def _shown(ids: list[str]) -> str:
    """Stand for what comes in the place of ids: longer, shorter, and with the same keys."""
    return ENCODE([{"a": one[:3] * (number % 3), "b": f'"a":"{one}"'} for number, one in enumerate(ids)]).decode()


def _decoded(document: dict[str, Any], finders: list[Finder]) -> str:
    """Replace by decoding and encoding."""
    members: dict[str, Any] = dict(MEMBERS(ENCODE(document)))
    for finder in finders:
        value = document.get(finder.name)
        if value:
            members[finder.name] = Raw(_shown(value if finder.many else [value]).encode())
    return ENCODE(members).decode()


@given(_cases())
def test_by_its_text_a_document_becomes_what_decoding_makes_of_it(
    case: tuple[ContentType, dict[str, Any], bool],
) -> None:
    """Whatever stands in components, blocks, free JSON and texts; or it says that it cannot tell."""
    content_type, document, maps = case
    finders = [
        Finder(field.name, field.many, is_alone(content_type, field, maps=maps))
        for field in content_type.fields
        if field.kind is Kind.RELATION
    ]
    text = ENCODE(document).decode()
    try:
        places = Cutter(finders).places(text)
    except Unclear:
        # Never for nothing: some relation that leads somewhere stands there a second time, word by word.
        twice = [
            finder
            for finder in finders
            if (value := document.get(finder.name)) and text.count(f"{finder.key}{ENCODE(value).decode()}") > 1
        ]
        assert twice
        assert not any(finder.is_alone for finder in twice)
        return
    assert spliced(text, places, [_shown] * len(finders)) == _decoded(document, finders)


_COMPONENT = Field(name="part", kind=Kind.COMPONENT, of=(Field(name="author", kind=Kind.STRING),))
_AUTHOR = Field(name="author", kind=Kind.RELATION, to=("writer",))


@pytest.mark.parametrize(
    ("other", "maps", "expected"),
    [
        (Field(name="title", kind=Kind.STRING), False, True),
        (Field(name="title", kind=Kind.STRING), True, False),
        (Field(name="price", kind=Kind.MONEY), False, True),
        (Field(name="extra", kind=Kind.JSON), False, False),
        (_COMPONENT, False, False),
        (Field(name="outer", kind=Kind.COMPONENT, of=(_COMPONENT,)), False, False),
        (Field(name="parts", kind=Kind.BLOCKS, of={"one": (), "two": (_AUTHOR,)}), False, False),
        (Field(name="parts", kind=Kind.BLOCKS, of={"one": (Field(name="text", kind=Kind.TEXT),)}), False, True),
    ],
)
def test_a_name_is_alone_where_nothing_else_can_have_it(other: Field, maps: bool, expected: bool) -> None:
    """Free JSON may have any name, and so may the maps of locales."""
    content_type = ContentType(name="book", fields=(_AUTHOR, other))
    assert is_alone(content_type, _AUTHOR, maps=maps) is expected


@pytest.mark.parametrize("value", ["short", ["x"], {"a": 1}, 5, "x" * 37, ["x" * 36, 1], [["x" * 36]]])
@pytest.mark.parametrize("many", [False, True])
def test_what_is_no_id_is_not_cut(value: object, many: bool) -> None:
    """Then nothing is guessed."""
    text = ENCODE({"id": "1", "author": value, "z": "z" * 80}).decode()
    with pytest.raises(Unclear):
        Cutter([Finder("author", many, is_alone=True)]).places(text)


def test_known_places_are_those_of_the_same_relations() -> None:
    """Whoever looks for them; and old ones make room for new ones."""
    known = KnownPlaces(most_characters=200)
    first, second = "a" * 36, "b" * 36
    text = ENCODE({"author": first, "editor": second}).decode()
    both = Cutter([Finder("editor", many=False, is_alone=True), Finder("author", many=False, is_alone=True)])
    assert [place[2:] for place in known.find(both, text)] == [([first], 1), ([second], 0)]
    again = Cutter([Finder("editor", many=False, is_alone=True), Finder("author", many=False, is_alone=True)])
    assert known.find(again, text) is known.find(both, text)
    author = Cutter([Finder("author", many=False, is_alone=True)])
    assert [place[2:] for place in known.find(author, text)] == [([first], 0)]
    kept = known.find(both, text)
    assert known.find(author, text.replace("a", "c")) == []
    assert known.find(both, text) == kept
    assert known.find(both, text) is not kept
