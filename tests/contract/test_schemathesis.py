"""Whoever calls, the server does what its documents say: made-up requests and chains of them, fitting and not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzzing import Prepared, Run, application, prepare, run  # pyright: ignore[reportMissingImports] - tests/support
from schemathesis.python.asgi import shutdown_lifespans
from soaking import examples, is_soaking  # pyright: ignore[reportMissingImports] - tests/support

CALLERS = ("anonymous", "editor", "administrator")
SPACE = "/api/spaces/demo/openapi.json"
INSTANCE = "/openapi.json"
HERE = {"path.space": "demo", "path.type": "article"}
"""What the general routes are asked about, so that they find something."""


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """An instance with a space, three content types and an entry of each."""
    path = tmp_path_factory.mktemp("schemathesis") / "maydan.db"
    shutil.copy(sqlite_template, path)
    return prepare(f"sqlite:///{path}")


@pytest.fixture
def served(prepared: Prepared, tmp_path: Path) -> Iterator[Any]:
    """An application over a copy of it; Schemathesis starts and ends it."""
    shutil.copytree(Path(prepared.url.removeprefix("sqlite:///")).parent, tmp_path, dirs_exist_ok=True)
    yield application(prepared._replace(url=f"sqlite:///{tmp_path / 'maydan.db'}"))
    shutdown_lifespans()


def fuzzing(few: int) -> dict[str, Any]:
    """Return the phase that makes requests up, so many for each operation."""
    return {"fuzzing": {"generation": {"max-examples": examples(few)}}}


def accepted(found: Run) -> None:
    """Fail with every request that was answered otherwise than documented."""
    assert found.failures == [], "\n\n".join(found.failures)
    assert found.cases > 0


def is_repeatable(operation: Any) -> bool:
    """Leave out what ends the session or the space, and bulks: lines of JSON are made up by their own tests."""
    ends = {"POST /api/auth/logout", "PATCH /api/me", "DELETE /api/spaces/demo", "DELETE /api/spaces/{space}"}
    label: str = operation.label
    return label not in ends and not label.startswith("DELETE /api/me/sessions") and not label.endswith("/bulk")


@pytest.mark.parametrize("caller", CALLERS)
def test_a_space_keeps_the_document_that_a_caller_gets(caller: str, prepared: Prepared, served: Any) -> None:
    """No server error, no answer, header or body that is not documented, nothing taken that does not fit."""
    found = run(served, SPACE, prepared.callers[caller], phases=fuzzing(1), wanted=is_repeatable)
    accepted(found)
    assert any("/content/article" in label for label in found.operations)


@pytest.mark.parametrize("caller", CALLERS if is_soaking() else ("administrator",))
def test_the_instance_keeps_its_document(caller: str, prepared: Prepared, served: Any) -> None:
    """The same of the routes that are there in every instance."""
    accepted(run(served, INSTANCE, prepared.callers[caller], phases=fuzzing(1), parameters=HERE, wanted=is_repeatable))


@pytest.mark.parametrize("caller", CALLERS if is_soaking() else ("editor",))
def test_what_was_made_can_be_read_changed_and_deleted(caller: str, prepared: Prepared, served: Any) -> None:
    """Chains of requests along ids and locations: what a creation names is there, and not any more when deleted."""
    phases = {"stateful": {"generation": {"max-examples": examples(1)}, "max-steps": 4}}

    def is_chained(operation: Any) -> bool:
        return "/content/person" in operation.label or (is_soaking() and is_repeatable(operation))

    accepted(run(served, SPACE, prepared.callers[caller], phases=phases, wanted=is_chained))


@pytest.mark.parametrize("caller", CALLERS if is_soaking() else ("administrator",))
def test_every_rule_of_the_document_is_kept(caller: str, prepared: Prepared, served: Any) -> None:
    """Each bound of each value from both sides, each parameter and header left out, each method that is none."""

    def is_covered(operation: Any) -> bool:
        return is_repeatable(operation) if is_soaking() else operation.label in QUICKLY_COVERED

    accepted(run(served, SPACE, prepared.callers[caller], phases={"coverage": {}}, wanted=is_covered))


QUICKLY_COVERED = {
    "GET /api/spaces/demo/content/person/{entry}",
    "POST /api/spaces/demo/content/person",
    "DELETE /api/spaces/demo/content/person/{entry}",
    "POST /api/spaces/demo/content/article/{entry}/comments",
}
