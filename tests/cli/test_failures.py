"""An operator's mistake is one clear line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maydan.cli.failures import describe, report
from maydan.errors import ConfigurationError, InputError, InvalidInput, MigrationsPending, Unavailable

Run = Callable[..., Any]


@pytest.mark.parametrize(
    "command",
    [("migrate",), ("serve",), ("worker",), ("user", "list"), ("openapi",), ("import", "x", "y", "--space", "z")],
)
def test_outside_an_instance_a_command_says_how_to_begin(run: Run, command: tuple[str, ...]) -> None:
    """No maydan.toml is the first mistake that everybody makes."""
    outcome = run(*command)
    assert outcome.code == 2
    assert outcome.err.startswith("maydan: maydan.toml: no such file; `maydan init` writes one")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"not a database, and longer than the sixteen bytes of a header", 1, "file is not a database"),
        (None, 2, "cannot be opened"),
    ],
)
def test_a_file_that_is_no_database_is_one_line(
    run: Run, tmp_path: Path, content: bytes | None, code: int, said: str
) -> None:
    """A folder, or any other file."""
    path = tmp_path / "some.db"
    path.mkdir() if content is None else path.write_bytes(content)
    outcome = run("migrate", MAYDAN_DATABASE_URL="sqlite:///some.db")
    assert outcome.code == code
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("url", ["postgresql://u:hidden@127.0.0.1:1/x", "postgresql://u:hidden@127.0.0.1:port/x"])
def test_a_server_that_cannot_be_reached_is_named_without_its_password(run: Run, url: str) -> None:
    """Which of several databases it was is what the operator wants to know."""
    outcome = run("migrate", MAYDAN_DATABASE_URL=url)
    assert outcome.code in {1, 2}
    assert "postgresql://u:***@127.0.0.1" in outcome.err
    assert "hidden" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_every_problem_of_the_configuration_is_a_line(run: Run, tmp_path: Path) -> None:
    """All at once, with exit code 2."""
    (tmp_path / "maydan.toml").write_text('[databse]\nurl = "x"\n[server]\nbase_url = 3\n')
    outcome = run("migrate")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "maydan: maydan.toml: [databse]: unknown table; did you mean database?",
        "maydan: maydan.toml: [server] base_url: expected text, got a whole number",
    ]


def test_an_unknown_variable_is_a_warning(run: Run, instance: Path) -> None:
    """The command goes on."""
    outcome = run("migrate", "--check", MAYDAN_DATABASE_URLS="x")
    assert outcome.code == 0
    assert outcome.err.startswith("maydan: warning: MAYDAN_DATABASE_URLS: no setting has this name")


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (ConfigurationError("one\ntwo"), ["one", "two"]),
        (InvalidInput("x", errors=(InputError("/a/b", "c", "Too long."),)), ["a/b: Too long."]),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.xml"), ["x.xml: no such file or directory"]),
        (PermissionError(errno.EACCES, "Permission denied", "x.xml"), ["x.xml: permission denied"]),
        (ExceptionGroup("both", [Unavailable("Busy."), TimeoutError("late")]), ["Busy.", "late"]),
        (ZeroDivisionError("division by zero"), []),
    ],
)
def test_an_error_becomes_lines(error: Exception, lines: list[str]) -> None:
    """What nobody expects has none, and is reported as a fault of ours with its place."""
    assert describe(error) == lines


def test_exit_codes_tell_pending_migrations_from_failed_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A deployment script waits for the former, and stops at the latter."""
    assert report(MigrationsPending("core 0001")) == 3
    assert report(MigrationsPending("core 0001 failed", code="migration_failed")) == 1
    assert capsys.readouterr().err == "maydan: core 0001\nmaydan: core 0001 failed\n"


def test_a_fault_of_ours_shows_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever mends it needs the traceback; whoever sees it needs to know that it is not their mistake."""
    assert report(ZeroDivisionError("division by zero")) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in said
    assert said.endswith("this is a fault in Maydan or in a plugin, please report it\n")
