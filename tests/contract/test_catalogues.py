"""Every code that a request may be answered has its words in Arabic: the title of its kind, and its own sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import maydan
from maydan import errors
from maydan.errors import MaydanError
from maydan.http.problems import list_problems
from maydan.locales import translate

KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MaydanError)}
OF_NO_ANSWER = {"cli", "testing", "mail.py", "schema.py", "schema_document.py"}
"""Rooms and modules whose refusals no request is answered with."""
FRAMES = {"/text 7x.", "cursor 7x.", "must be 7x"}
"""Around what has its words in Arabic itself."""
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


def _sentences() -> Iterator[str]:
    """Yield every sentence that is written where something is refused: of the whole, and of a place."""
    root = Path(maydan.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] in OF_NO_ANSWER or path.name in OF_NO_ANSWER:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            number = {"InputError": 2, "UrlRefused": 1}.get(_name(node), 0) if isinstance(node, ast.Call) else 0
            if not isinstance(node, ast.Call) or len(node.args) <= number:
                continue
            if number or _name(node) in KINDS.keys() - OF_THE_COMMAND_LINE:
                text = _text(node.args[number])
                if text and re.search(r"[A-Za-z]{2}", text.replace("7x", "")):
                    yield text


def test_whatever_is_refused_is_told_in_arabic() -> None:
    """Also sentences whose code belongs to many, and those about one place of the input."""
    missing = {text for text in _sentences() if translate(text, ("ar",)) == text}
    assert missing - FRAMES == set(), "add them to core/maydan/locales/catalogues/ar.po, 7x standing for a place"
