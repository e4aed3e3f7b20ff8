"""Converting parsed JSON to the Struct that a route declares, with every problem and its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import FieldInfo

from maydan.content.problems import MESSAGES
from maydan.content.scalars import normal_datetime
from maydan.errors import InputError, InvalidInput
from maydan.http.pointers import pointer_to

T = TypeVar("T")
Path = tuple[str | int, ...]

MAX_ERRORS: Final = 100
_STEP: Final = re.compile(r"\.([^.\[]+)|\[([0-9]+|\.\.\.)\]")
_EXPECTED: Final = re.compile(r"Expected `(\w+)")
_LIMIT: Final = re.compile(r"Expected `(\w+)[^`]*` (of length )?(<=|>=|<|>) (\S+)")
_PATTERN: Final = re.compile(r"Expected `str[^`]*` matching regex (.*)", re.DOTALL)
LOOSE_MOMENT: Final = ("invalid_datetime", MESSAGES["invalid_datetime"])
"""Code and words."""
_TYPES: Final = {
    "int": ("not_an_integer", "must be an integer"),
    "float": ("not_a_number", MESSAGES["not_a_number"]),
    "str": ("not_text", MESSAGES["not_text"]),
    "bool": ("not_a_boolean", MESSAGES["not_a_boolean"]),
    "array": ("not_a_list", MESSAGES["not_a_list"]),
    "object": ("not_an_object", MESSAGES["not_an_object"]),
    "datetime": LOOSE_MOMENT,
    "date": ("invalid_date", MESSAGES["invalid_date"]),
}
_FORMATS: Final = {
    "Invalid RFC3339": LOOSE_MOMENT,
    "Invalid UUID": ("invalid_id", MESSAGES["invalid_id"]),
}


def convert_body(data: Any, wanted: type[T], path: Path = ()) -> T:
    """Convert strictly; unknown members are refused also where a Struct, such as a plugin's, does not forbid them.

    Args:
        data: Parsed JSON.
        wanted: What it shall be.
        path: Where it stands in the body.
    Raises:
        InvalidInput: With one error for each place that is not acceptable, at most 100.
    """
    try:
        converted = msgspec.convert(data, wanted, strict=True)
    except msgspec.ValidationError as error:
        errors = _first_problems(data, wanted, path) or (_problem(str(error), wanted, path),)
        raise InvalidInput(sentence(errors), errors=errors) from error
    if _is_read_closer(wanted) and (errors := _first_problems(data, wanted, path)):
        raise InvalidInput(sentence(errors), errors=errors)
    return converted


def is_loose_moment(value: Any, written: Any) -> bool:
    """Tell whether a moment is written as a datetime field refuses it.

    msgspec takes more than RFC 3339 has, and moments that no clock in UTC shows.
    """
    return isinstance(value, datetime) and isinstance(written, str) and normal_datetime(written) is None


def sentence(errors: tuple[InputError, ...]) -> str:
    """Return the detail of a problem: the first error, and how many more there are."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.pointer or 'The body'} {first.message}{more}."


@cache
def _is_read_closer(wanted: Any) -> bool:
    """Tell whether msgspec lets something of it pass that is refused here."""
    found: set[Any] = set()
    _collect_types(wanted, found)
    return datetime in found or any(ignores_unknown(kind) for kind in found)


def ignores_unknown(wanted: Any) -> bool:
    """Tell whether a type is a Struct of which msgspec leaves out unknown members in silence."""
    if not isinstance(wanted, type) or not issubclass(wanted, Struct):
        return False
    return not wanted.__struct_config__.forbid_unknown_fields


def _collect_types(wanted: Any, found: set[Any]) -> None:
    """Add the classes of which a type is made."""
    parts: Iterable[Any] = get_args(wanted)
    if isinstance(wanted, type):
        if wanted in found:
            return
        found.add(wanted)
        parts = _described(wanted)[0].values() if issubclass(wanted, Struct) else ()
    for part in parts:
        _collect_types(part, found)


def _first_problems(data: Any, wanted: Any, path: Path) -> tuple[InputError, ...]:
    return tuple(islice(_problems(data, wanted, path), MAX_ERRORS))


def _problems(data: Any, wanted: Any, path: Path) -> Iterator[InputError]:
    """Yield what is wrong; msgspec stops at the first problem, so the members are tried one by one."""
    wanted = _the_only(wanted, data)
    members = get_args(wanted)
    if get_origin(wanted) is Annotated and isinstance(data, list):
        # Its length is looked at once its items are as they must be.
        inside = list(islice(_problems(cast("list[Any]", data), members[0], path), MAX_ERRORS))
        yield from inside or _value_problems(data, wanted, path)
    elif isinstance(data, dict) and isinstance(wanted, type) and issubclass(wanted, Struct):
        yield from _struct_problems(cast("dict[str, Any]", data), wanted, path)
    elif isinstance(data, dict) and get_origin(wanted) is dict and members[0] is str:
        for name, value in cast("dict[str, Any]", data).items():
            yield from _problems(value, members[1], (*path, name))
    elif isinstance(data, list) and get_origin(wanted) in (list, tuple, set, frozenset):
        yield from _list_problems(cast("list[Any]", data), wanted, path)
    else:
        yield from _value_problems(data, wanted, path)


def _list_problems(data: list[Any], wanted: Any, path: Path) -> Iterator[InputError]:
    """Yield what is wrong with the members, or with the list as a whole."""
    members = get_args(wanted)
    if get_origin(wanted) is not tuple or members[-1] is Ellipsis:
        for index, value in enumerate(data):
            yield from _problems(value, members[0], (*path, index))
    else:
        yield from _value_problems(data, wanted, path)


def _struct_problems(data: dict[str, Any], wanted: type[Struct], path: Path) -> Iterator[InputError]:
    """Yield what is wrong with the members of an object, in its order; then what is missing."""
    hints, fields = _described(wanted)
    found = False
    for name, value in data.items():
        if name in fields:
            problems = _problems(value, hints[fields[name].name], (*path, name))
        elif name == wanted.__struct_config__.tag_field:
            continue
        else:
            problems = iter([InputError(pointer_to((*path, name)), "unknown_field", MESSAGES["unknown_field"])])
        for problem in problems:
            found = True
            yield problem
    for name, field in fields.items():
        if name not in data and field.default is NODEFAULT and field.default_factory is NODEFAULT:
            found = True
            yield InputError(pointer_to((*path, name)), "field_required", MESSAGES["field_required"])
    if not found:
        yield from _value_problems(data, wanted, path)


@cache
def _described(wanted: type[Struct]) -> tuple[dict[str, Any], dict[str, FieldInfo]]:
    """Return the types of a struct's members by attribute, and the members by their names in JSON."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    return get_type_hints(wanted, include_extras=True), fields


def _value_problems(data: Any, wanted: Any, path: Path) -> Iterator[InputError]:
    """Yield the problem of one value, if it has one."""
    try:
        value = msgspec.convert(data, wanted, strict=True)
    except msgspec.ValidationError as error:
        yield _problem(str(error), wanted, path)
    else:
        if is_loose_moment(value, data):
            yield InputError(pointer_to(path), *LOOSE_MOMENT)


def _problem(text: str, wanted: Any, path: Path) -> InputError:
    """Read a message of msgspec: ``Expected `int`, got `str` - at `$.a[0]```."""
    message, _, place = text.partition(" - at `")
    steps: list[str | int] = [*path]
    for name, index in _STEP.findall(place.removesuffix("`")):
        if index == "...":
            break
        steps.append(int(index) if index else name)
    return InputError(pointer_to(steps), *read_message(message, wanted))


def read_message(message: str, wanted: Any) -> tuple[str, str]:
    """Return the code and the words for what msgspec says about one value."""
    if message.startswith("Invalid enum value"):
        return "invalid_choice", MESSAGES["invalid_choice"].format(values=", ".join(choices_of(wanted)))
    if limit := _LIMIT.match(message):
        return _limit(limit)
    if pattern := _PATTERN.match(message):
        return "pattern_mismatch", MESSAGES["pattern_mismatch"].format(pattern=pattern[1].strip("'\""))
    if expected := _EXPECTED.match(message):
        return _TYPES.get(expected[1], ("wrong_type", f"must be {expected[1]}"))
    return next((said for start, said in _FORMATS.items() if message.startswith(start)), ("invalid", "is not valid"))


def _limit(limit: re.Match[str]) -> tuple[str, str]:
    kind, length, operator, bound = limit.groups()
    over = operator in ("<=", "<")
    if length and kind == "str":
        code, place = ("too_long", "max") if over else ("too_short", "min")
    elif length:
        code, place = ("too_many", "max") if over else ("too_few", "min")
    else:
        code, place = ("too_large", "max") if over else ("too_small", "min")
    return code, MESSAGES[code].format(**{place: bound})


def choices_of(wanted: Any) -> list[str]:
    """Return the values that an enum or a literal type admits."""
    wanted = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    if get_origin(wanted) is Literal:
        return [str(value) for value in get_args(wanted)]
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return [str(member.value) for member in wanted]
    return [choice for part in get_args(wanted) for choice in choices_of(part)]


def _the_only(wanted: Any, data: Any) -> Any:
    """Return what a union means for this value: its one member besides ``None`` and ``UNSET``."""
    if data is not None and get_origin(wanted) in (Union, UnionType):
        members = [member for member in get_args(wanted) if member not in (NoneType, UnsetType)]
        if len(members) == 1:
            return members[0]
    return wanted
