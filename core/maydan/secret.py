"""A text that must not be shown: settings keep passwords and keys in it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MASK: Final = "***"
_SECRET_NAMES: Final = {"key", "password", "secret", "token"}
"""Last words of the names of fields that are secret, whatever their type."""


class Secret:
    """A text that no ``repr``, log line or error shows; :meth:`reveal` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hide the text."""
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the place that needs it; never for a message."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK


def mask_url(url: str) -> str:
    """Return the URL with its password replaced, for messages and ``repr``.

    Both places count: ``user:password@`` and ``?password=``.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, tail = rest.partition("/")
    user, at, host = authority.rpartition("@")
    name, colon, _password = user.partition(":")
    masked = f"{name}{colon}{MASK if colon else ''}{at}{host}"
    path, question, query = tail.partition("?")
    parts = [f"password={MASK}" if part.startswith("password=") else part for part in query.split("&")]
    return f"{scheme}://{masked}{slash}{path}{question}{'&'.join(parts)}"


def masked_repr(self: Struct) -> str:
    """Return what ``repr`` shows of a settings struct: everything but passwords, keys and tokens.

    A settings struct with a text that may be secret says ``__repr__ = masked_repr``.
    """
    shown: list[str] = []
    for name in self.__struct_fields__:
        value: object = getattr(self, name)
        if isinstance(value, str):
            value = MASK if value and name.rpartition("_")[2] in _SECRET_NAMES else mask_url(value)
        shown.append(f"{name}={value!r}")
    return f"{type(self).__name__}({', '.join(shown)})"
