"""The command line: what it takes, and that it answers at once."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from maydan.cli.parser import build_parser

LINES = [
    "init --admin-email e --admin-password p --database u --plugins a,b",
    "migrate --check",
    "migrate --plan",
    "serve --host 127.0.0.1 --port 8000 --workers 2 --no-worker",
    "worker",
    "demo --port 0 --reset",
    "plugins list --json",
    "plugins check folder --json",
    "plugins enable blog",
    "plugins disable blog",
    "new-plugin x",
    "user create a@example.org --password p --name N --administrator",
    "user list --json",
    "user reset-password a@example.org --password p",
    "user unlock a@example.org",
    "import wordpress file.xml --space demo --dry-run --option author=me",
    "openapi --space demo",
    "events list --json",
    "events replay plugin.blog --after 0",
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_names_a_function_that_exists(line: str) -> None:
    """The parser knows functions by name only, so that it need not import them."""
    module, _, function = build_parser().parse_args(line.split()).run.partition(":")
    assert callable(getattr(importlib.import_module(f"maydan.cli.{module}"), function))


@pytest.mark.parametrize(
    "line",
    ["", "nothing", "serve --port 65536", "serve --port -1", "serve --workers 0", "serve --port ٨", "import a b",
     "init", "import a b --space s --option nothing", "user", "plugins enable"],
)  # fmt: skip
def test_a_wrong_command_line_ends_with_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As every program that uses argparse."""
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(line.split())
    assert caught.value.code == 2
    assert "usage: maydan" in capsys.readouterr().err


def test_help_imports_nothing_that_only_commands_need() -> None:
    """``maydan --help`` and completion must answer at once, whatever ``serve`` needs."""
    code = "import sys\nfrom maydan.cli.parser import build_parser\nbuild_parser()\nprint(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    ours = {name for name in loaded if name.startswith("maydan")}
    assert ours == {"maydan", "maydan.cli", "maydan.cli.parser"}
    assert {"asyncio", "msgspec", "litestar", "importlib.metadata"} & set(loaded) == set()


@pytest.mark.parametrize("line", LINES)
def test_every_command_is_documented(line: str) -> None:
    """docs/cli.md shows each of them; of a group the name stands once."""
    page = (Path(__file__).parents[2] / "docs/cli.md").read_text()
    group, second, *_ = [*line.split(), ""]
    assert f"`maydan {group}" in page
    if group in {"plugins", "user"}:
        assert re.search(rf"`(maydan {group} )?{second}\b", page)
