"""Reading one table of settings into its struct: values of the file, variables that override them, clear problems."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import msgspec
from msgspec import NODEFAULT, Struct, inspect
from msgspec.structs import FieldInfo

from maydan.secret import Secret

T = TypeVar("T", bound=Struct)

_KINDS: Final = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "text",
}
_SEQUENCES: Final = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


class Source(Struct, frozen=True, kw_only=True):
    """Where the values of one table come from."""

    table: str
    values: Mapping[str, Any]
    """By key, as TOML gave them."""
    variables: Mapping[str, str]
    """Texts by the name of the environment variable, only those of this table."""
    file: str = "maydan.toml"
    """What messages call the file."""


def variable_name(table: str, key: str) -> str:
    """Return the environment variable that overrides a setting, such as ``MAYDAN_DATABASE_URL``."""
    return f"MAYDAN_{table}_{key}".upper().replace("-", "_")


def suggest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ``; did you mean …?`` when a known word is close, else nothing."""
    close = get_close_matches(word, list(known), 1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def read_table(struct: type[T], source: Source, problems: list[str]) -> T | None:
    """Build the struct, noting every problem as one line; ``None`` when there was one."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    before = len(problems)
    unknown = [key for key in source.values if key not in fields]
    problems += [f"{source.file}: [{source.table}] {key}: unknown key{suggest(key, fields)}" for key in unknown]
    found: dict[str, Any] = {}
    for key, field in fields.items():
        _read_field(key, field, struct, source, found, problems)
    if len(problems) > before:
        return None
    try:
        return struct(**found)
    except (TypeError, ValueError) as error:  # what the struct's own __post_init__ refuses
        problems.append(f"{source.file}: [{source.table}] {error}")
        return None


def above_zero(struct: type[Struct]) -> frozenset[str]:
    """Return the numbers that must not be 0: all but those in the struct's ``MAY_BE_ZERO``; none where it has none."""
    may_be: frozenset[str] | None = getattr(struct, "MAY_BE_ZERO", None)
    return frozenset() if may_be is None else frozenset(struct.__struct_fields__) - may_be


def _read_field(
    key: str, field: FieldInfo, struct: type[Struct], source: Source, found: dict[str, Any], problems: list[str]
) -> None:
    variable = variable_name(source.table, key)
    text = source.variables.get(variable)
    place = variable if text is not None else f"{source.file}: [{source.table}] {key}"
    if text is None and key not in source.values:
        if field.default is NODEFAULT and field.default_factory is NODEFAULT:
            problems.append(f"{place}: missing; write it there or set {variable}")
        return
    try:
        raw = source.values[key] if text is None else _parse(text, inspect.type_info(field.type))
        value = msgspec.convert(raw, field.type, strict=True, dec_hook=_decode)
        found[field.name] = _meaningful(value, above_zero=field.name in above_zero(struct))
    except ValueError as error:  # msgspec.ValidationError is one
        problems.append(f"{place}: {_plain(str(error), field.type)}")


def _meaningful(value: object, *, above_zero: bool) -> object:
    """Refuse a number that is negative, endless or a meaningless 0: settings are sizes, counts and times."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not math.isfinite(value):
        message = f"expected a finite number, got {value}"
        raise ValueError(message)
    if value < 0:
        message = f"expected a number that is not negative, got {value}"
        raise ValueError(message)
    if value == 0 and above_zero:
        message = "expected a number above 0, got 0"
        raise ValueError(message)
    return value


def _decode(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    message = "Expected `str`, got another type"
    raise ValueError(message)


def _parse(text: str, kind: inspect.Type) -> object:
    """Turn a variable's text into what TOML would have given for this type."""
    if isinstance(kind, inspect.UnionType):
        if not text and any(isinstance(part, inspect.NoneType) for part in kind.types):
            return None
        kind = next(part for part in kind.types if not isinstance(part, inspect.NoneType))
    if isinstance(kind, _SEQUENCES):
        return [_parse(part.strip(), kind.item_type) for part in text.split(",") if part.strip()]
    if isinstance(kind, inspect.DictType) and isinstance(kind.value_type, inspect.StructType):
        return _parse_tables(text)
    if isinstance(kind, inspect.DictType):
        pairs = (part.partition("=") for part in text.split(",") if part.strip())
        return {name.strip(): _parse(value.strip(), kind.value_type) for name, _, value in pairs}
    for scalar, parse in _SCALARS.items():
        if isinstance(kind, scalar):
            return parse(text)
    return text


def _parse_tables(text: str) -> object:
    """Turn JSON into tables by name: what has no form of its own in a variable."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        message = f"expected tables by name as JSON: {error}"
        raise ValueError(message) from error


def _parse_bool(text: str) -> bool:
    if text not in {"true", "false"}:
        message = f'Expected `bool`, got "{text}"'
        raise ValueError(message)
    return text == "true"


def _parse_int(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        message = f'Expected `int`, got "{text}"'
        raise ValueError(message)
    return int(text)


def _parse_float(text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        message = f'Expected `float`, got "{text}"'
        raise ValueError(message)
    return float(text)


_SCALARS: Final[Mapping[type[inspect.Type], Callable[[str], object]]] = {
    inspect.BoolType: _parse_bool,
    inspect.IntType: _parse_int,
    inspect.FloatType: _parse_float,
}


def _plain(message: str, kind: Any) -> str:
    """Say a decoder's message in the words of somebody who writes TOML."""
    text, _, place = message.partition(" - at ")
    for name, words in _KINDS.items():
        text = text.replace(f"`{name}`", words)
    text = text.replace("`", "").replace(" | null", "")
    if text.startswith("Invalid enum value"):
        text = f"expected {_choices(inspect.type_info(kind))}, got {text.removeprefix('Invalid enum value ')}"
    entry = re.fullmatch(r"`\$\[(\d+)\]`", place)
    if entry:
        text += f" in entry {int(entry[1]) + 1} of the list"
    return text[:1].lower() + text[1:]


def _choices(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        return _choices(next(part for part in kind.types if isinstance(part, inspect.LiteralType | inspect.EnumType)))
    if isinstance(kind, _SEQUENCES):
        return _choices(kind.item_type)
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.EnumType):
        return " or ".join(str(member.value) for member in kind.cls)
    return "another value"
