from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import maydan
from maydan import errors
from maydan.errors import InputError, InvalidInput, MaydanError, NotFound, TooManyRequests
from maydan.http.problems import STATUS, list_problems, problem_body, problem_headers, status_of

COMMAND_LINE = {errors.ConfigurationError, errors.MigrationsPending, errors.PluginRejected}
"""Errors that no request meets."""


def tree(base: type[MaydanError]) -> Iterator[type[MaydanError]]:
    """Yield all classes below one."""
    for kind in base.__subclasses__():
        yield kind
        yield from tree(kind)


@pytest.mark.parametrize("kind", [kind for kind in tree(MaydanError) if kind.__module__ == "maydan.errors"])
def test_every_error_has_the_status_that_its_tree_names(kind: type[MaydanError]) -> None:
    """The docstring of ``errors`` says ``(HTTP 400)`` or ``(415)``; a class without takes that of its base."""
    lines = (errors.__doc__ or "").splitlines()
    documented = {line.split()[0]: line for line in lines if line.startswith("    ")}
    assert kind.__name__ in documented
    if kind in COMMAND_LINE:
        assert "(4" not in documented[kind.__name__]
        return
    named = next(
        found
        for base in kind.__mro__
        if base.__name__ in documented
        for found in [documented[base.__name__].rpartition("(")[2].rstrip(")").removeprefix("HTTP ")]
        if found.isdigit()
    )
    assert status_of(kind("x")) == int(named)


def test_a_derived_error_without_a_status_has_that_of_its_base() -> None:
    """Plugins derive their own refusals; what derives from nothing is our fault."""

    class Sold(errors.Conflict):
        code = "sold"

    class Odd(MaydanError):
        code = "odd"

    assert status_of(Sold()) == 409
    assert status_of(Odd()) == 500
    assert Odd not in STATUS


def test_facts_are_extension_members_and_never_replace_others() -> None:
    """RFC 9457, section 3.2."""
    import json

    error = errors.Conflict("No.", code="invalid_transition", allowed=["publish"], status=200, retry_after_s=3)
    body = json.loads(problem_body(error, path="/api/x", request_id="r"))
    assert body["allowed"] == ["publish"]
    assert body["status"] == 409
    assert body["code"] == "invalid_transition"
    assert body["instance"] == "/api/x"
    assert "retry_after_s" not in body
    assert body["type"] == "/docs#problem-invalid_transition"


def test_what_is_not_found_says_nothing_about_why() -> None:
    """Whatever a route writes into it."""
    one = problem_body(NotFound("No such article.", code="no_article", type="article"), path="/", request_id="r")
    assert one == problem_body(NotFound(), path="/", request_id="r")


def test_what_a_plugin_raised_is_not_told_to_whoever_writes() -> None:
    """The text of its exception may hold what only operators may read."""
    import json

    error = errors.PluginFailed("It failed.", plugin="kit", hook="check_entry_create", reason="OSError: swordfish@db")
    body = problem_body(error, path="/api/x", request_id="r")
    assert b"swordfish" not in body
    assert (json.loads(body)["plugin"], json.loads(body)["hook"]) == ("kit", "check_entry_create")


def test_texts_follow_the_reader() -> None:
    """Title, detail and messages in Arabic; the code is for machines and stays."""
    import json

    error = InvalidInput("/name is required.", errors=(InputError("/name", "field_required", "is required"),))
    body = json.loads(problem_body(error, path="/", request_id="r", languages=("ar-IQ", "en")))
    assert body["title"] != error.title
    assert body["errors"][0]["message"] == "مطلوب"
    assert body["errors"][0]["code"] == "field_required"
    english = json.loads(problem_body(error, path="/", request_id="r", languages=("xx",)))
    assert english["title"] == error.title


def test_retry_after_is_in_whole_seconds() -> None:
    """At least one, also where the error does not say when."""
    assert dict(problem_headers(TooManyRequests(retry_after_s=0.2)))["retry-after"] == "1"
    assert dict(problem_headers(errors.PoolExhausted()))["retry-after"] == "1"
    assert dict(problem_headers(errors.IdempotencyRunning()))["retry-after"] == "1"
    assert "retry-after" not in dict(problem_headers(errors.Conflict()))


def exact_codes() -> Iterator[tuple[str, str]]:
    """Yield the codes that the core gives to errors when it raises them, with the names of their classes."""
    for path in sorted(Path(maydan.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        yield str(keyword.value.value), name


def test_every_code_has_a_place_on_the_reference_page() -> None:
    """The type of a problem leads there, whether the class gives its code or whoever raises it."""
    listed = {each["code"]: each["status"] for each in list_problems()}
    for code, name in exact_codes():
        kind = getattr(errors, name)
        if kind not in COMMAND_LINE:
            assert listed.get(code) == status_of(kind("x")), code
