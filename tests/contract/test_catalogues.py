"""Every code that a request may be answered has its words in Arabic: the title of its kind, and its own sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import maydan
from maydan import errors
from maydan.errors import MaydanError
from maydan.http.problems import list_problems
from maydan.locales import translate

KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MaydanError)}
OF_THE_COMMAND_LINE = {"ConfigurationError", "MigrationsPending", "PluginRejected"}


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _text(detail: ast.expr) -> str | None:
    """Return a sentence as it may be said, with a word for each place; ``None`` where it comes from elsewhere."""
    if isinstance(detail, ast.Constant):
        return str(detail.value)
    if isinstance(detail, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7x" for part in detail.values)
    return None


def _refusals() -> Iterator[tuple[str, str]]:
    """Yield every code that is given where an error is raised, with its sentence."""
    for path in sorted(Path(maydan.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or _name(node) not in KINDS.keys() - OF_THE_COMMAND_LINE:
                continue
            codes = [
                one.value.value for one in node.keywords if one.arg == "code" and isinstance(one.value, ast.Constant)
            ]
            text = _text(node.args[0]) if node.args else None
            if codes and text:
                yield str(codes[0]), text


@pytest.mark.parametrize(("code", "text"), sorted(set(_refusals())))
def test_every_code_says_in_arabic_what_happened(code: str, text: str) -> None:
    """The sentence that goes with a code is found in the catalogues, with what it names filled in."""
    translated = translate(text, ("ar",))
    assert translated != text, code
    assert translated.count("7x") >= min(1, text.count("7x"))


def test_every_kind_of_problem_has_an_arabic_title() -> None:
    """Those of the HTTP surface too."""
    titles = {str(one["title"]) for one in list_problems()}
    assert {title for title in titles if translate(title, ("ar",)) == title} == set()
