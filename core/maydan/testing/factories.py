"""Content made from content types: valid, different for each entry, and the same in every run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields
from maydan.content.types import ContentType, Field, Kind

_WORDS: Final = (
    "olive", "lantern", "river", "copper", "market", "garden", "letter", "window", "bread", "cedar", "silk", "mint",
    "زيتون", "فانوس", "نهر", "سوق",
)  # fmt: skip
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)


class CannotMake(Exception):
    """A field needs a value that nothing can be said about; give it to the factory."""


class Factory:
    """Makes input for entries of one content type, field by field.

    Every field gets a value within its limits, also those that are not required; relations and assets only where they
    are required, since they need something to point at.
    """

    def __init__(self, content_type: ContentType, currency: str = "USD") -> None:
        """Make entries of this type, with money in this currency."""
        self._type = content_type
        self._currency = currency
        self._made = 0

    def make(self, **given: Any) -> dict[str, Any]:
        """Return the input for one more entry; what is given is taken as it is, ``None`` leaves a field out.

        Raises:
            CannotMake: A required field has a ``pattern``, or points at an asset, and nothing was given for it.
        """
        self._made += 1
        random = Random(f"{self._type.name} {self._made}")  # noqa: S311 - the same in every run
        data = {field.name: self._value(field, random) for field in self._type.fields if field.name not in given}
        return {name: value for name, value in (data | given).items() if value is not None}

    def required_relations(self) -> tuple[Field, ...]:
        """Return the relations without which no entry can be published."""
        return tuple(field for field in self._type.fields if field.required and field.kind is Kind.RELATION)

    def _value(self, field: Field, random: Random) -> Any:
        if field.kind in (Kind.RELATION, Kind.ASSET) or field.pattern is not None:
            if field.required and field.kind is not Kind.RELATION:
                raise CannotMake(f"{self._type.name}: give a value for {field.name}")
            return None
        if field.kind is Kind.BLOCKS:
            return self._blocks(field, random)
        if not field.many:
            return self._one(field, random)
        items = max(1, 0 if field.kind in _TEXTS else field.min_length or 0)
        if field.kind is Kind.ENUM:
            return random.sample(field.values, items)
        return [self._one(field, random) for _ in range(items)]

    def _one(self, field: Field, random: Random) -> Any:
        if field.kind is Kind.COMPONENT:
            return self._members(inner_fields(field), random)
        if field.kind is Kind.MONEY:
            return {"amount": _integer(field, random, self._made), "currency": self._currency}
        return _MAKERS[field.kind](field, random, self._made)

    def _members(self, fields: tuple[Field, ...], random: Random) -> dict[str, Any]:
        members = {field.name: self._value(field, random) for field in fields}
        return {name: value for name, value in members.items() if value is not None}

    def _blocks(self, field: Field, random: Random) -> list[dict[str, Any]]:
        blocks = block_fields(field).items()
        return [{BLOCK_NAME: name, **self._members(inner, random)} for name, inner in blocks]


def _words(field: Field, random: Random, number: int) -> str:
    """Return words that end in the number, so that ``unique`` fields are."""
    text = f"{' '.join(random.sample(_WORDS, 3))} {number}"
    if field.min_length is not None:
        text = f"{'wide ' * field.min_length}{text}"[-max(field.min_length, len(text)) :]
    most = field.max_length or len(text)
    return text[-most:].strip().rjust(field.min_length or 0, "x")


def _integer(field: Field, random: Random, number: int) -> int:
    low = int(field.min) if field.min is not None else 0
    high = int(field.max) if field.max is not None else low + 1_000_000
    if field.unique:
        return min(low + number, high)
    return random.randint(low, high)


def _number(field: Field, random: Random, number: int) -> float:
    low = float(field.min) if field.min is not None else 0.0
    high = float(field.max) if field.max is not None else low + 1000.0
    return low + (high - low) * (number % 997 / 997 if field.unique else round(random.random(), 3))


def _decimal(field: Field, _random: Random, number: int) -> str:
    low = Decimal(str(field.min)) if field.min is not None else Decimal(0)
    high = Decimal(str(field.max)) if field.max is not None else low + 10_000
    return format(min(low + Decimal(number) / 100, high), "f")


def _moment(field: Field, number: int) -> datetime:
    """Return a moment within the field's limits, a minute after the one of the entry before."""
    if isinstance(field.min, str):
        return _parsed(field.min) + timedelta(minutes=number if not isinstance(field.max, str) else 0)
    return _parsed(field.max) if isinstance(field.max, str) else _DAY + timedelta(minutes=number)


def _parsed(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(field: Field, _random: Random, number: int) -> str:
    low = field.min if isinstance(field.min, str) else None
    high = field.max if isinstance(field.max, str) else None
    if low or high:
        return low or high or ""
    return (_DAY + timedelta(days=number)).date().isoformat()


def _datetime(field: Field, _random: Random, number: int) -> str:
    return _moment(field, number).isoformat().replace("+00:00", "Z")


def _time(field: Field, _random: Random, number: int) -> str:
    if isinstance(field.min, str):
        return field.min
    return field.max if isinstance(field.max, str) else f"{number // 60 % 24:02}:{number % 60:02}"


def _enum(field: Field, random: Random, _number: int) -> str:
    return random.choice(field.values)


_MAKERS: Final[dict[Kind, Callable[[Field, Random, int], Any]]] = {
    Kind.STRING: _words,
    Kind.TEXT: _words,
    Kind.SECRET: _words,
    Kind.RICHTEXT: lambda _field, random, number: f"<p>{' '.join(random.sample(_WORDS, 5))} {number}</p>",
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: lambda _field, random, _number: random.random() < 0.5,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.TIME: _time,
    Kind.ENUM: _enum,
    Kind.EMAIL: lambda _field, _random, number: f"reader{number}@example.org",
    Kind.URL: lambda _field, _random, number: f"https://example.org/{number}",
    Kind.PHONE: lambda _field, _random, number: f"+9647{number:09}",
    Kind.COLOR: lambda _field, _random, number: f"#{number * 7919 % 0x1000000:06x}",
    Kind.JSON: lambda _field, _random, number: {"number": number},
    Kind.GEO: lambda _field, random, _number: {
        "lat": round(random.uniform(-90, 90), 5),
        "lng": round(random.uniform(-180, 180), 5),
    },
}
_TEXTS: Final = frozenset({Kind.STRING, Kind.TEXT, Kind.SECRET, Kind.EMAIL, Kind.URL, Kind.PHONE})
