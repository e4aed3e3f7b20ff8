"""``maydan import`` and ``maydan openapi``: into a space, and about one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ENABLED = {"MAYDAN_PLUGINS_ENABLED": "blog"}
EXPORT = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:wp="http://wordpress.org/export/1.2/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/">
<channel><title>Town</title><link>https://town.example</link><wp:wxr_version>1.2</wp:wxr_version>
<item><title>Market day</title><link>https://town.example/market-day</link><dc:creator>mina</dc:creator>
<content:encoded><![CDATA[<p>Come.</p>]]></content:encoded><excerpt:encoded></excerpt:encoded><wp:post_id>7</wp:post_id>
<wp:post_date_gmt>2020-05-01 10:00:00</wp:post_date_gmt><wp:post_name>market-day</wp:post_name>
<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>
</channel></rss>
"""
MAKE_SPACE = """
import asyncio
from maydan.cli.instance import load_settings
from maydan.cli.opening import opened_core
from maydan.operations.core import as_system
from maydan.operations.spaces import SpaceInput, create_space

async def work():
    async with opened_core(load_settings()) as core:
        await create_space(core, as_system("test"), SpaceInput(name="town", plugins=("blog",)))

asyncio.run(work())
"""


@pytest.fixture(scope="module")
def new_town(new_instance: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance with the blog, and a space that uses it, to copy."""
    folder = tmp_path_factory.mktemp("town")
    shutil.copytree(new_instance, folder, dirs_exist_ok=True)
    for work in (["-m", "maydan", "migrate"], ["-c", MAKE_SPACE]):
        subprocess.run([sys.executable, *work], check=True, cwd=folder, env=os.environ | ENABLED)
    (folder / "export.xml").write_text(EXPORT)
    return folder


@pytest.fixture
def town(new_town: Path, tmp_path: Path) -> Path:
    """An instance with the blog, and a space that uses it."""
    shutil.copytree(new_town, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_an_import_says_what_it_did_and_does_it_once(run: Run, town: Path) -> None:
    """First nothing, when only tried; then everything; then nothing more."""
    tried = run("import", "wordpress", "export.xml", "--space", "town", "--dry-run", **ENABLED)
    done = run("import", "wordpress", "export.xml", "--space", "town", **ENABLED)
    again = run("import", "wordpress", "export.xml", "--space", "town", **ENABLED)
    assert [outcome.code for outcome in (tried, done, again)] == [0, 0, 0]
    assert tried.out.startswith("Nothing was stored")
    assert "created         1  blog.post" in tried.out
    assert "created         1  blog.post" in done.out
    assert "created" not in again.out
    assert "unchanged       1  blog.post" in again.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wordpres", "export.xml", "--space", "town"), "no enabled plugin imports wordpres; did you mean wordpress?"),
        (("wordpress", "export.xml", "--space", "twon"), "there is no space twon; did you mean town?"),
        (("wordpress", "nothing.xml", "--space", "town"), "nothing.xml: no such file"),
        (("wordpress", "maydan.toml", "--space", "town"), "not a WordPress export"),
    ],
)
def test_what_cannot_be_imported_is_one_line(run: Run, town: Path, arguments: tuple[str, ...], said: str) -> None:
    """Nothing is stored."""
    outcome = run("import", *arguments, **ENABLED)
    assert outcome.code == 1
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_openapi_prints_the_instance_or_one_space(run: Run, town: Path) -> None:
    """Both are documents that a generator reads; the space's has its content types."""
    instance = json.loads(run("openapi", **ENABLED).out)
    space = json.loads(run("openapi", "--space", "town", **ENABLED).out)
    assert instance["openapi"] == space["openapi"] == "3.1.0"
    assert "/api/spaces/{space}/content/{type}" in instance["paths"]
    assert "/api/spaces/town/content/blog.post" in space["paths"]


def test_a_reader_that_has_seen_enough_is_no_error(run: Run, town: Path) -> None:
    """As in ``maydan openapi | head``."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m maydan openapi | true"],
        cwd=town,
        env=os.environ | ENABLED,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 141)
