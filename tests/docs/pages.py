"""Reads the pages of docs/ and runs what they show: each page is one story, told to a shell from top to bottom.

Blocks that take part say so in their info string:

- ``bash run``: lines for a shell; all of a page share one shell, one folder and its variables;
- ``bash serve``: a command that goes on (``maydan serve``), started in the background and waited for;
- ``json``, directly below a ``bash run``: what its last command prints, where ``…`` stands for anything;
- ``toml file=NAME`` and ``python file=NAME``: written into the folder; ``python run``: run there.

A page says ``127.0.0.1:8000``; the runner puts a free port in its place.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PORT = "8000"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"
"""Printed between blocks; a record separator stands in no page and in no answer."""


class Block(NamedTuple):
    """A fenced block."""

    language: str
    marks: tuple[str, ...]
    text: str
    line: int


class Answer(NamedTuple):
    """What a block printed, and what the page says that it prints."""

    block: Block
    printed: str
    expected: Block | None


def pages() -> list[Path]:
    """Return the pages with something to run."""
    candidates = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]
    return [page for page in candidates if any(_takes_part(block) for block in blocks(page))]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(match[1], tuple(match[2].split()), match[3], text.count("\n", 0, match.start()) + 2)
        for match in _FENCE.finditer(text)
    ]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tell(page: Path, folder: Path, environment: dict[str, str]) -> Iterator[Answer]:
    """Run a page in a folder, and yield what each ``bash run`` printed.

    Raises:
        AssertionError: A block failed; it names the page and the line.
    """
    story = blocks(page)
    script = "\n".join(["set -eu -o pipefail", *_script(story, folder), "wait_for_nothing=1"])
    port = str(free_port())
    done = subprocess.run(
        [
            "bash",
            "-c",
            script.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{port}").replace(f"--port {PORT}", f"--port {port}"),
        ],
        cwd=folder,
        env=environment | {"MAYDAN_TEST_PORT": port},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    parts = done.stdout.split(_MARK)[1:]
    runs = [(number, block) for number, block in enumerate(story) if block.language == "bash" and "run" in block.marks]
    place = f"{page.relative_to(ROOT)}:{runs[max(len(parts) - 1, 0)][1].line}" if runs else page.name
    assert done.returncode == 0, f"{place}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    for (number, block), printed in zip(runs, parts, strict=True):
        below = story[number + 1] if number + 1 < len(story) else None
        yield Answer(
            block, printed.replace(f":{port}", f":{PORT}"), below if below and below.language == "json" else None
        )


def _takes_part(block: Block) -> bool:
    return "run" in block.marks or "serve" in block.marks


def _script(story: Sequence[Block], folder: Path) -> Iterator[str]:
    yield "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"
    for block in story:
        name = next((mark.removeprefix("file=") for mark in block.marks if mark.startswith("file=")), None)
        if name:
            quoted = shlex.quote(name)
            yield f"mkdir -p $(dirname {quoted}); printf '%s' {shlex.quote(block.text)} > {quoted}"
        elif block.language == "bash" and "run" in block.marks:
            yield f"printf '{_MARK}'\n{block.text}"
        elif block.language == "bash" and "serve" in block.marks:
            yield f"{block.text.strip()} >{shlex.quote(str(folder / 'server.log'))} 2>&1 &\n{_WAIT}"
        elif block.language == "python" and "run" in block.marks:
            yield f"{shlex.quote(sys.executable)} -c {shlex.quote(block.text)}"


_WAIT = """\
for attempt in $(seq 200); do
  if (exec 3<>/dev/tcp/127.0.0.1/$MAYDAN_TEST_PORT) 2>/dev/null && grep -q Serving server.log; then break; fi
  if [ "$attempt" = 200 ]; then cat server.log >&2; exit 1; fi
  sleep 0.1
done"""


def fits(expected: Any, printed: Any, place: str = "") -> list[str]:
    """Return where the answer differs from what the page shows; ``…`` stands for anything, also for further keys."""
    if expected == "…":
        return []
    if isinstance(expected, dict) and isinstance(printed, dict):
        keys = [key for key in expected if key != "…"]
        further = (
            [] if "…" in expected else [f"{place}/{key}: not on the page" for key in printed if key not in expected]
        )
        missing = [f"{place}/{key}: not in the answer" for key in keys if key not in printed]
        return [
            *further,
            *missing,
            *(wrong for key in keys if key in printed for wrong in fits(expected[key], printed[key], f"{place}/{key}")),
        ]
    if isinstance(expected, list) and isinstance(printed, list):
        wanted = expected[:-1] if expected and expected[-1] == "…" else expected
        if len(printed) < len(wanted) or (wanted is expected and len(printed) != len(wanted)):
            return [f"{place}: {len(printed)} items, and the page shows {len(wanted)}"]
        return [
            wrong
            for number, (one, other) in enumerate(zip(wanted, printed, strict=False))
            for wrong in fits(one, other, f"{place}/{number}")
        ]
    if isinstance(expected, str) and isinstance(printed, str) and "…" in expected:
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        return (
            []
            if re.fullmatch(pattern, printed, re.DOTALL)
            else [f"{place}: {printed!r}, and the page shows {expected!r}"]
        )
    return (
        []
        if expected == printed and type(expected) is type(printed)
        else [f"{place}: {printed!r}, and the page shows {expected!r}"]
    )


def last_json(printed: str, place: str) -> Any:
    """Return the JSON value with which a block's output ends, whatever stands before it."""
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[\[{]", printed)):
        try:
            value, end = decoder.raw_decode(printed, start)
        except json.JSONDecodeError:
            continue
        if not printed[end:].strip():
            return value
    message = f"{place}: no JSON at the end of what was printed: {printed[-500:]!r}"
    raise AssertionError(message)
