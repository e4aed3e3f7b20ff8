"""Content made from content types."""

from __future__ import annotations

import pytest

from maydan.content.normal import check_type
from maydan.content.spaces import Space
from maydan.content.types import ContentType, Field, Kind
from maydan.content.values import read_input
from maydan.testing import Factory
from maydan.testing.factories import CannotMake

SPACE = Space(key=1, name="demo", title="", locales=("en", "ar"), default_locale="en", currency="IQD")
PLAIN = [kind for kind in Kind if kind not in (Kind.ENUM, Kind.RELATION, Kind.ASSET, Kind.COMPONENT, Kind.BLOCKS)]
INNER = (Field(name="day", kind=Kind.ENUM, values=("mon", "tue"), required=True), Field(name="at", kind=Kind.TIME))
LIMITED = [
    Field(name="f", kind=Kind.STRING, min_length=30, max_length=31),
    Field(name="f", kind=Kind.STRING, max_length=1),
    Field(name="f", kind=Kind.TEXT, min_length=3, many=True),
    Field(name="f", kind=Kind.INTEGER, min=-5, max=-4),
    Field(name="f", kind=Kind.INTEGER, min=2),
    Field(name="f", kind=Kind.NUMBER, min=0.5, max=0.75),
    Field(name="f", kind=Kind.DECIMAL, min="1.25", max="1.30"),
    Field(name="f", kind=Kind.DATE, min="2027-01-01"),
    Field(name="f", kind=Kind.DATE, max="2020-01-01"),
    Field(name="f", kind=Kind.DATETIME, min="2027-01-01T00:00:00.000000Z", max="2027-01-01T00:00:00.000000Z"),
    Field(name="f", kind=Kind.TIME, min="09:30"),
    Field(name="f", kind=Kind.MONEY, min=100, max=200),
    Field(name="f", kind=Kind.ENUM, values=("a", "b", "c"), many=True, min_length=2),
    Field(name="f", kind=Kind.COMPONENT, of=INNER, many=True, min_length=2),
    Field(name="f", kind=Kind.BLOCKS, of={"hours": INNER, "text": (Field(name="t", kind=Kind.RICHTEXT),)}),
    *(Field(name="f", kind=kind) for kind in PLAIN),
    *(Field(name="f", kind=kind, localized=True) for kind in PLAIN if kind is not Kind.SECRET),
]


def type_of(field: Field) -> ContentType:
    """A content type with one field."""
    return check_type(ContentType(name="thing", fields=(field,)), known_types=None, previous=None)


@pytest.mark.parametrize("field", LIMITED, ids=[f"{field.kind}-{index}" for index, field in enumerate(LIMITED)])
def test_whatever_is_made_is_accepted(field: Field) -> None:
    """For every kind, within its limits, many times over."""
    content_type = type_of(field)
    factory = Factory(content_type, SPACE.currency)
    for _ in range(50):
        data = factory.make()
        assert data["f"] is not None
        read_input(content_type, SPACE, data, base=None, locale=None, replace=False)


@pytest.mark.parametrize(
    "kind",
    [Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.DATE, Kind.DATETIME, Kind.EMAIL, Kind.URL, Kind.PHONE],
)
def test_unique_fields_do_not_collide(kind: Kind) -> None:
    """A hundred entries have a hundred values."""
    factory = Factory(type_of(Field(name="f", kind=kind, unique=True)))
    assert len({str(factory.make()["f"]) for _ in range(100)}) == 100


def test_every_run_makes_the_same() -> None:
    """A test that fails fails again."""
    content_type = type_of(Field(name="f", kind=Kind.RICHTEXT))
    assert [Factory(content_type).make() for _ in range(2)] == [Factory(content_type).make() for _ in range(2)]
    factory = Factory(content_type)
    assert factory.make() != factory.make()


def test_what_is_given_is_taken_as_it_is() -> None:
    """Also what no factory would make; ``None`` leaves a field out."""
    factory = Factory(type_of(Field(name="f", kind=Kind.INTEGER)))
    assert factory.make(f="seven", slug="x") == {"f": "seven", "slug": "x"}
    assert factory.make(f=None) == {}


def test_what_cannot_be_guessed_must_be_given() -> None:
    """Only where it is required."""
    pattern = Field(name="f", kind=Kind.STRING, pattern="[A-Z]{3}", required=True)
    with pytest.raises(CannotMake, match="thing: give a value for f"):
        Factory(type_of(pattern)).make()
    assert Factory(type_of(pattern)).make(f="ABC") == {"f": "ABC"}
    assert Factory(type_of(Field(name="f", kind=Kind.STRING, pattern="[A-Z]{3}"))).make() == {}
