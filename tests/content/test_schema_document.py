"""Reading a schema: what is none is refused in one line that says where."""

from __future__ import annotations

import pytest

from maydan.content.schema_document import read
from maydan.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "not JSON: Input data was truncated"),
        (b"\xff", "not JSON: .*"),
        (
            b'{"maydan_schema": 1, "spaces": [{"name": "a", "types": [{"name": "b", "fields": [{"default": '
            + b"[" * 100_000,
            "not JSON: .*",
        ),
        (b"[]", "not a schema: Expected `object`.*"),
        (b'{"spaces": []}', "not a schema: .*maydan_schema.*"),
        (b'{"maydan_schema": 2, "spaces": []}', "maydan_schema is 2; this Maydan reads 1"),
        (b'{"maydan_schema": 1, "spaces": [{"name": "a", "colour": 1}]}', r"not a schema: .*colour.*\$.spaces\[0\].*"),
        (b'{"maydan_schema": 1, "spaces": [{"name": "a"}, {"name": "a"}]}', "a space occurs more than once: a"),
        (b'{"maydan_schema": 1, "spaces": [{"name": "a", "name": "b"}]}', "the member 'name' is given twice .*"),
        (
            b'{"maydan_schema": 1, "spaces": [{"name": "a", "types": [{"name": "b"}, {"name": "b"}]}]}',
            "a type of a occurs more than once: b",
        ),
    ],
)
def test_what_is_no_schema_is_refused(text: bytes, message: str) -> None:
    """One line, with the place where there is one."""
    with pytest.raises(InvalidInput, match=f"^{message}$") as refused:
        read(text)
    assert len(str(refused.value).splitlines()) == 1
