"""Converting parsed JSON to the Struct that a route declares, with every problem and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct, UnsetType

from maydan.errors import InputError, InvalidInput
from maydan.http.pointers import pointer_to

T = TypeVar("T")
Path = tuple[str | int, ...]

MAX_ERRORS: Final = 100
_STEP: Final = re.compile(r"\.([^.\[]+)|\[([0-9]+|\.\.\.)\]")
_CODES: Final = (
    ("Object missing required field", "required"),
    ("Object contains unknown field", "unknown_field"),
    ("Invalid enum value", "not_allowed"),
    ("Expected `str` matching regex", "pattern"),
    ("Invalid", "format"),
)
_LIMIT: Final = re.compile(r" of length (?:<=|>=|==)| (?:<=|>=|<|>) |multiple of")


def convert_body(data: Any, wanted: type[T]) -> T:
    """Convert strictly.

    Raises:
        InvalidInput: With one error for each place that is not acceptable.
    """
    try:
        return msgspec.convert(data, wanted, strict=True)
    except msgspec.ValidationError as error:
        errors = tuple(problem for _, problem in zip(range(MAX_ERRORS), _problems(data, wanted, ()), strict=False))
        raise InvalidInput(_sentence(errors), errors=errors or (_problem(str(error), ()),)) from error


def _sentence(errors: tuple[InputError, ...]) -> str:
    return " ".join(f"{error.pointer or 'The body'}: {error.message}" for error in errors[:3])


def _problems(data: Any, wanted: Any, path: Path) -> Iterator[InputError]:
    """Yield what is wrong; msgspec stops at the first problem, so the members are tried one by one."""
    wanted = _the_only(wanted, data)
    members = get_args(wanted)
    if isinstance(data, dict) and isinstance(wanted, type) and issubclass(wanted, Struct):
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
    """Yield what is wrong with the members of an object."""
    hints = get_type_hints(wanted, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    if wanted.__struct_config__.forbid_unknown_fields:
        for name in data.keys() - fields.keys():
            yield InputError(pointer_to((*path, name)), "unknown_field", "There is no such field.")
    found = not data.keys() <= fields.keys()
    for name, field in fields.items():
        if name in data:
            for problem in _problems(data[name], hints[field.name], (*path, name)):
                found = True
                yield problem
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            found = True
            yield InputError(pointer_to((*path, name)), "required", "Must be given.")
    if not found:
        yield from _value_problems(data, wanted, path)


def _value_problems(data: Any, wanted: Any, path: Path) -> Iterator[InputError]:
    """Yield the problem of one value, if it has one."""
    try:
        msgspec.convert(data, wanted, strict=True)
    except msgspec.ValidationError as error:
        yield _problem(str(error), path)


def _problem(text: str, path: Path) -> InputError:
    """Read a message of msgspec: ``Expected `int`, got `str` - at `$.a[0]```."""
    message, _, place = text.partition(" - at `")
    steps: list[str | int] = [*path]
    for name, index in _STEP.findall(place.removesuffix("`")):
        if index == "...":
            break
        steps.append(int(index) if index else name)
    return InputError(pointer_to(steps), _code(message), message.replace("`", "") + ".")


def _code(message: str) -> str:
    for start, code in _CODES:
        if message.startswith(start):
            return code
    return "out_of_range" if _LIMIT.search(message) else "wrong_type"


def _the_only(wanted: Any, data: Any) -> Any:
    """Return what a union means for this value: its one member besides ``None`` and ``UNSET``."""
    if data is not None and get_origin(wanted) in (Union, UnionType):
        members = [member for member in get_args(wanted) if member not in (NoneType, UnsetType)]
        if len(members) == 1:
            return members[0]
    return wanted
