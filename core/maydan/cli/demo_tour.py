"""What ``maydan demo`` prints: where to look, how to sign in, and lines for a shell that work as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from maydan.cli.demo_content import SPACE

if TYPE_CHECKING:
    from maydan.content.types import ContentType

EMAIL: Final = "admin@demo.example"
PASSWORD: Final = "open-the-square"  # noqa: S105 - the demo's, printed for everybody who runs it; it serves this machine only
_SHOWN: Final = "blog.post"


def describe(url: str, types: Sequence[ContentType]) -> str:
    """Return the text for the terminal."""
    lines = [
        "",
        f"The demo is at {url}",
        "",
        f"  API reference   {url}/docs",
        f"  Sign in as      {EMAIL} / {PASSWORD}",
        "",
        "Copy these into another terminal:",
        "",
        *_lines(url, [each.name for each in types]),
        "",
        "Ctrl-C stops it; `maydan demo --reset` begins anew.",
    ]
    return "\n".join(lines)


def _lines(url: str, types: Sequence[str]) -> Iterator[str]:
    space = f"{url}/api/spaces/{SPACE}"
    if _SHOWN in types:
        posts = f"{space}/content/{_SHOWN}"
        yield from _step("the newest posts, with their number", f"curl -s '{posts}?limit=3&count=exact'")
        yield from _step("the same in Arabic, titles only", f"curl -s '{posts}?limit=3&locale=ar&fields=title,slug'")
        yield from _step("the space's own OpenAPI document", f"curl -s {space}/openapi.json")
    for name in types if _SHOWN not in types else ():
        yield from _step(f"entries of {name}", f"curl -s '{space}/content/{name}?limit=3'")
    yield from _step(
        "sign in; the token lives in the shell's variable TOKEN",
        f"""TOKEN=$(curl -s {url}/api/auth/login -H 'Content-Type: application/json' """
        f"""-d '{{"email":"{EMAIL}","password":"{PASSWORD}"}}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')""",
    )
    yield from _step("who am I?", f'curl -s {url}/api/me -H "Authorization: Bearer $TOKEN"')
    if _SHOWN in types:
        yield from _step(
            "write a draft in two languages; nobody reads it before it is published",
            f"""curl -s {posts} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' """
            """-d '{"title":{"en":"Hello","ar":"مرحبا"}}'""",
        )


def _step(words: str, line: str) -> Iterator[str]:
    yield f"# {words}"
    yield line
