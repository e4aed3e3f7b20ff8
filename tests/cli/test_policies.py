"""The policies of an instance for scripts, from wherever they are started."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maydan.cli.policies import open_policies
from maydan.errors import ConfigurationError

pytestmark = pytest.mark.anyio
Run = Callable[..., Any]
LINE = ["role:desk", "shop", "*", "read", "allow", '{"n":0,"fields":["*"]}']


async def test_the_database_is_the_one_beside_the_settings(
    run: Run, instance: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script may run in another folder, as commands do not; nothing is made there, and nothing where none is."""
    (instance / "wanted.json").write_text(json.dumps({"maydan_schema": 1, "spaces": [{"name": "shop"}]}))
    applied = run("schema", "apply", "wanted.json")
    assert applied.code == 0, applied.err
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    async with open_policies(instance / "maydan.toml", space="shop") as adapter:
        assert await adapter.add_policy("p", "p", LINE)
    assert "role:desk" in run("access", "export", "--space", "shop").out
    monkeypatch.setenv("MAYDAN_DATABASE_URL", "sqlite:///maydan.db")
    with pytest.raises(ConfigurationError, match=r"elsewhere.*/maydan\.db"):
        async with open_policies(instance / "maydan.toml", space="shop"):
            pass
    assert list(elsewhere.iterdir()) == []
