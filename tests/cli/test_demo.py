"""``maydan demo``: what it prints works as printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAN_")}


def start(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the demo, and return the process and what it printed until it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "maydan", "demo", "--port", "0", *arguments],
        cwd=folder,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if "begins anew" in line:
            return process, printed
    raise AssertionError(printed)


def stop(process: subprocess.Popen[str]) -> int:
    """End the demo as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    code = process.wait(40)
    assert process.stdout is not None
    process.stdout.close()
    return code


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A running demo: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    process, printed = start(folder)
    yield folder, printed
    assert stop(process) == 0


def lines_to_try(printed: str) -> list[str]:
    """Return the lines for a shell."""
    return re.findall(r"^  ((?:curl|TOKEN=).*)$", printed, re.MULTILINE)


def test_every_line_works_as_it_is_printed(demo: tuple[Path, str], tmp_path: Path) -> None:
    """One after the other, in one shell, each with an answer in the two hundreds."""
    _, printed = demo
    lines = lines_to_try(printed)
    assert len(lines) >= 4
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    script = "set -eu -o pipefail\n" + "\n".join(f"{line}\nprintf '\\x1e'" for line in lines)
    done = subprocess.run(
        ["bash", "-c", script],
        env=CLEAN | {"CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    answers = done.stdout.split("\x1e")[:-1]
    assert done.returncode == 0, f"{lines[len(answers)]}\n{done.stdout[-1000:]}\n{done.stderr}"
    for line, answer in zip(lines, answers, strict=True):
        assert line.startswith("TOKEN=") or json.loads(answer), line


def test_the_demo_shows_content_in_english_and_arabic(demo: tuple[Path, str]) -> None:
    """The second language is no translation of the labels: it is content."""
    _, printed = demo
    (url,) = set(re.findall(r"(http://127\.0\.0\.1:\d+)\n", printed.partition("API reference")[0]))
    posts = {
        locale: json.loads(
            subprocess.run(
                ["curl", "-sf", f"{url}/api/spaces/demo/content/blog.post?locale={locale}&fields=title&limit=100"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )["items"]
        for locale in ("en", "ar")
    }
    assert len(posts["en"]) == len(posts["ar"]) > 0
    arabic = [post["title"] for post in posts["ar"] if re.search(r"[\u0600-\u06ff]", post["title"])]
    assert len(arabic) > len(posts["ar"]) / 2


def test_a_second_start_keeps_what_was_written_and_reset_does_not(tmp_path: Path) -> None:
    """The database is the same file, unless it was thrown away."""
    process, _ = start(tmp_path)
    assert stop(process) == 0
    before = (tmp_path / "demo/maydan.toml").stat().st_ino
    (tmp_path / "demo/mine").touch()
    process, _ = start(tmp_path)
    assert stop(process) == 0
    assert (tmp_path / "demo/maydan.toml").stat().st_ino == before
    assert (tmp_path / "demo/mine").exists()
    process, _ = start(tmp_path, "--reset")
    assert stop(process) == 0
    assert not (tmp_path / "demo/mine").exists()


def test_reset_deletes_no_folder_that_is_not_a_demo(tmp_path: Path) -> None:
    """``demo`` is a word that other people use for their folders, too."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/precious").touch()
    done = subprocess.run(
        [sys.executable, "-m", "maydan", "demo", "--port", "0", "--reset"],
        cwd=tmp_path,
        env=CLEAN,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "was not made by `maydan demo`; it is left alone" in done.stderr
    assert (tmp_path / "demo/precious").exists()
