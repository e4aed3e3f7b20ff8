from __future__ import annotations

import itertools
from typing import Any

import pytest
from value_inputs import problems  # pyright: ignore[reportMissingImports] - tests/support

from maydan.content import text
from maydan.content.spaces import Space


def test_a_slow_pattern_refuses_instead_of_stalling(make_type: Any, space: Space) -> None:
    """No pattern of an integrator stalls the server."""
    made = make_type({"name": "x", "kind": "string", "pattern": "^(a|a)*$"}, {"name": "y", "kind": "string"})
    assert problems(made, space, {"x": "a" * 5000 + "b"}) == {"/x": "pattern_mismatch"}


def test_slow_patterns_of_one_input_share_their_time(
    make_type: Any, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of a thousand texts stalls the server no longer than a few do; the next input has its time again."""
    ticks = itertools.count(0, 0.03)
    tried: list[str] = []

    class Slow:
        def search(self, item: str, **_: Any) -> bool:
            tried.append(item)
            return True

    monkeypatch.setattr(text, "thread_time", lambda: next(ticks))
    monkeypatch.setattr(text, "compile_pattern", lambda _: Slow())
    made = make_type({"name": "x", "kind": "string", "many": True, "pattern": "a"}, {"name": "y", "kind": "string"})
    for _ in range(2):
        tried.clear()
        found = problems(made, space, {"x": [str(number) for number in range(50)]})
        assert len(tried) == 7  # of 0.03 s each
        assert list(found) == [f"/x/{number}" for number in range(7, 50)]
