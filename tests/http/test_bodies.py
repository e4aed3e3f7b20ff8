from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.errors import InvalidInput, Malformed, TooLarge, UnsupportedMediaType
from maydan.http.bodies import IN_THREAD_BYTES, MAX_VALUES, check_media_type, parse_json, read_body, read_json

pytestmark = pytest.mark.anyio

NAMES = st.text(st.characters(codec="ascii", min_codepoint=32))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
    lambda children: st.lists(children) | st.dictionaries(NAMES, children),
    max_leaves=40,
)


@given(VALUES, st.booleans())
def test_what_json_can_say_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    """Strictness takes nothing away from what is acceptable, escaped or not."""
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff", "malformed"),
        (b'"\xed\xa0\x80"', "malformed"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b"{", "malformed"),
        (b"{} {}", "malformed"),
        (b"{'a': 1}", "malformed"),
        (b'{"a": 01}', "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b"[Infinity]", "malformed"),
        (b"-Infinity", "malformed"),
        (b'"a\x00b"', "malformed"),
        (b'"a\nb"', "malformed"),
        (b'{"a": 1, "a": 2}', "duplicate_member"),
        (b'[{"a": {"b": 1, "b": 1}}]', "duplicate_member"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b"[" * 5000 + b"]" * 5000, "too_deep"),
        (b"[" * 5000, "too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b"9" * 5000, "malformed"),
    ],
)
def test_what_is_not_strict_json_is_malformed(raw: bytes, code: str) -> None:
    """UTF-8 without a mark, one value, no member twice, no NaN, at most 64 levels."""
    with pytest.raises(Malformed) as caught:
        parse_json(raw)
    assert caught.value.error_code == code


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a": 100000000000000000000001}', "/a"),
        (b'{"a": [0, -9223372036854775809]}', "/a/1"),
        (b'{"a": {"b/c": 1e400}}', "/a/b~1c"),
        (b'{"a": -1E+999}', "/a"),
        (b'{"a": "x\\u0000y"}', "/a"),
        (b'["\\ud800"]', "/0"),
        (b'["\\udc00\\ud800"]', "/0"),
        (b'{"a": {"\\ud800": 1}}', "/a"),
    ],
)
def test_what_no_column_can_hold_is_refused_with_its_place(raw: bytes, pointer: str) -> None:
    """NUL, halves of surrogate pairs, numbers beyond 64 bits: 422 with a pointer."""
    with pytest.raises(InvalidInput) as caught:
        parse_json(raw)
    assert [error.pointer for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b"[9223372036854775807]", [2**63 - 1]),
        (b'{"a": "[[[[{{{{"}', {"a": "[[[[{{{{"}),
        (b"[" * 64 + b"]" * 64, None),
        (b'["' + b"[" * 100 + b'"]', ["[" * 100]),
        (b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100]),
        (b"[" + b"[],{}," * 200 + b"1]", [[], {}] * 200 + [1]),
        (b'"12345678901234567890123456789"', "12345678901234567890123456789"),
        (b"1.0e5", 100000.0),
        (b'{"a": [-100000000000000000000000]}', {"a": [-1e23]}),
    ],
)
def test_what_only_looks_suspicious_passes(raw: bytes, value: Any) -> None:
    """Brackets in strings are not depth, wide is not deep, digits in strings are not numbers."""
    parsed = parse_json(raw)
    assert value is None or parsed == value


async def test_a_large_body_is_read_like_a_small_one() -> None:
    """In a thread, with the same result and the same refusals."""
    large = json.dumps({"a": "x" * IN_THREAD_BYTES}).encode()
    assert (await read_json(large))["a"] == "x" * IN_THREAD_BYTES
    with pytest.raises(Malformed):
        await read_json(large + b"}")
    for padding in (0, IN_THREAD_BYTES):
        assert isinstance(await read_json(b'{"a": "\\u0000"}' + b" " * padding), InvalidInput)


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-type": b"application/json"},
        {b"content-type": b"Application/JSON; charset=UTF-8"},
        {b"content-type": b'application/json;charset="utf-8"'},
        {b"content-type": b"application/json", b"content-encoding": b"identity"},
    ],
)
def test_json_is_recognised(headers: dict[bytes, bytes]) -> None:
    """Letter case and the charset that it must have anyway make no difference."""
    check_media_type(headers, "application/json")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/json", b"transfer-encoding": b"gzip, chunked"},
        {b"content-type": b"application/json-patch+json"},
        {b"content-type": b"application/json; charset=latin-1"},
        {b"content-type": b"application/json", b"content-encoding": b"gzip"},
    ],
)
def test_another_media_type_is_refused(headers: dict[bytes, bytes]) -> None:
    """Also one that is missing, and any Content-Encoding."""
    with pytest.raises(UnsupportedMediaType):
        check_media_type(headers, "application/json")


async def test_a_body_is_refused_as_soon_as_it_is_too_large() -> None:
    """By its Content-Length before it is read, and without one while it is read."""
    calls = 0

    async def receive() -> Any:
        nonlocal calls
        calls += 1
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    with pytest.raises(TooLarge):
        await read_body({b"content-length": b"1001"}, receive, 1000)
    assert calls == 0
    with pytest.raises(TooLarge):
        await read_body({}, receive, 1000)
    assert calls == 11


async def test_a_client_that_goes_away_leaves_no_half_body() -> None:
    """What came is not taken for the whole."""
    messages: list[Any] = [{"type": "http.request", "body": b"{}", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    with pytest.raises(Malformed):
        await read_body({}, receive, 1000)


@pytest.mark.parametrize("more", ["1,", "[],", '"a",'])
def test_more_values_than_anything_has_a_use_for_are_refused(more: str) -> None:
    """Before they are read, which would take seconds; commas in strings are no values."""
    with pytest.raises(Malformed) as refused:
        parse_json(f"[{more * (MAX_VALUES + 1)}1]".encode())
    assert refused.value.error_code == "too_many_values"
    assert parse_json(f'["{"," * 2 * MAX_VALUES}"]'.encode()) == ["," * 2 * MAX_VALUES]
