"""Reads the kinds that are text of some form."""

from __future__ import annotations

import re
from functools import lru_cache
from time import thread_time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from maydan.content.types import Kind
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from collections.abc import Callable

    from regex import Pattern

    from maydan.content.problems import Problems
    from maydan.content.types import Field

LONGEST_TEXT: Final = 100_000
"""Characters of a ``string``, ``text`` or ``secret`` without ``max_length``."""
LONGEST_RICHTEXT: Final = 1_000_000
"""Characters of a ``richtext`` without ``max_length``, after sanitising."""
LONGEST_PATTERN: Final = 500
PATTERN_TIMEOUT_S: Final = 0.05
"""A pattern that takes longer does not match; no pattern of an integrator stalls the server."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_EMAIL: Final = re.compile(
    r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?=[^\s@]{1,253}\Z)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])?"
)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_FILLING: Final = str.maketrans("", "", " -.()\u00a0")
_COLOR: Final = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})")
_AS_IT_IS: Final = frozenset({Kind.STRING, Kind.TEXT, Kind.SECRET})
_RICHTEXT: Final = Kind.RICHTEXT
_LINES: Final = frozenset({Kind.TEXT, Kind.RICHTEXT})


def has_control(text: str, *, lines: bool = False) -> bool:
    """Tell whether a text holds NUL, another control character or a lone surrogate; ``lines`` allows tab and breaks."""
    if text.isprintable():
        return False
    return (_CONTROL_BUT_LINES if lines else _CONTROL).search(text) is not None


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Pattern[str]:
    """Compile the pattern of a field.

    Raises:
        ValueError: It cannot be used; the message says why.
    """
    import regex

    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"longer than {LONGEST_PATTERN} characters")
    try:
        return regex.compile(pattern, regex.VERSION0)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _matches_pattern(pattern: str, text: str, problems: Problems) -> bool:
    if problems.pattern_s <= 0:
        return False
    begun = thread_time()
    try:
        return compile_pattern(pattern).search(text, timeout=PATTERN_TIMEOUT_S) is not None
    except TimeoutError:
        return False
    finally:
        problems.pattern_s -= thread_time() - begun


def read_text(field: Field, value: object, pointer: str, problems: Problems) -> str | None:
    """Read one value of a text kind into its normal form; ``None`` where it was refused."""
    if type(value) is not str:
        problems.add(pointer, "not_text")
        return None
    if has_control(value, lines=field.kind in _LINES):
        problems.add(pointer, "control_character")
        return None
    text = _normal(field, value, pointer, problems)
    if text is None:
        return None
    longest = field.max_length or (LONGEST_RICHTEXT if field.kind is _RICHTEXT else LONGEST_TEXT)
    if len(text) > longest:
        problems.add(pointer, "too_long", max=longest)
        return None
    if field.min_length is not None and len(text) < field.min_length:
        problems.add(pointer, "too_short", min=field.min_length)
        return None
    if field.pattern is not None and not _matches_pattern(field.pattern, text, problems):
        problems.add(pointer, "pattern_mismatch", pattern=field.pattern)
        return None
    return text


def _normal(field: Field, text: str, pointer: str, problems: Problems) -> str | None:
    kind = field.kind
    if kind in _AS_IT_IS:
        return text
    if kind is _RICHTEXT:
        return _sanitized(field, text, pointer, problems)
    normal = NORMAL_FORMS[kind](text)
    if normal is None:
        problems.add(pointer, f"invalid_{kind.value}")
    return normal


def _sanitized(field: Field, text: str, pointer: str, problems: Problems) -> str | None:
    from maydan.content.richtext import is_tangled, sanitize

    if len(text) > 2 * max(LONGEST_RICHTEXT, field.max_length or 0):
        problems.add(pointer, "too_long", max=field.max_length or LONGEST_RICHTEXT)
        return None
    if is_tangled(text):
        problems.add(pointer, "tangled")
        return None
    return sanitize(text)


def _email(text: str) -> str | None:
    """Return the address with its domain in lower case; case before the ``@`` is the other side's (RFC 5321)."""
    if len(text) > 254 or _EMAIL.fullmatch(text) is None:
        return None
    local, _, domain = normalized("NFC", text).rpartition("@")
    dots_are_fine = not local.startswith(".") and not local.endswith(".") and ".." not in local
    return f"{local}@{domain.lower()}" if dots_are_fine else None


def _url(text: str) -> str | None:
    """Return the address as it is: a name and a password in it, or a space, are refused."""
    if len(text) > 2048 or any(sign in text for sign in ' <>"\\^`{|}'):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    return text


def _phone(text: str) -> str | None:
    """Return the number as E.164: a plus, the country code, at most 15 digits."""
    number = text.translate(_PHONE_FILLING)
    return number if _PHONE.fullmatch(number) else None


def _color(text: str) -> str | None:
    """Return the colour as ``#rrggbb`` or ``#rrggbbaa`` in lower case."""
    color = text.lower()
    if _COLOR.fullmatch(color) is None:
        return None
    return "#" + "".join(digit * 2 for digit in color[1:]) if len(color) == 4 else color


NORMAL_FORMS: Final[dict[Kind, Callable[[str], str | None]]] = {
    Kind.EMAIL: _email,
    Kind.URL: _url,
    Kind.PHONE: _phone,
    Kind.COLOR: _color,
}
"""Make a text the normal form of its kind, ``None`` where it is not of that kind."""
