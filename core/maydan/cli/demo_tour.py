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
        "To try in another terminal, line by line:",
        "",
        *_lines(url, [each.name for each in types]),
        "",
        "Ctrl-C stops it; `maydan demo --reset` begins anew.",
    ]
    return "\n".join(lines)


def _lines(url: str, types: Sequence[str]) -> Iterator[str]:
    space = f"{url}/api/spaces/{SPACE}"
    posts = f"{space}/content/{_SHOWN}"
    shows_posts = _SHOWN in types
    if shows_posts:
        yield from _step("the newest posts, and how many there are", f"curl -s '{posts}?limit=3&count=exact'")
        yield from _step("the same in Arabic, titles only", f"curl -s '{posts}?limit=3&locale=ar&fields=title,slug'")
    for name in () if shows_posts else types:
        yield from _step(f"entries of {name}", f"curl -s '{space}/content/{name}?limit=3'")
    yield from _step("the OpenAPI document of the space, with its types", f"curl -s {space}/openapi.json")
    yield from _step("sign in; the token stays in the variable TOKEN", _login(url))
    yield from _step("your own account", f'curl -s {url}/api/me -H "Authorization: Bearer $TOKEN"')
    if shows_posts:
        body = """-H 'Content-Type: application/json' -d '{"title":{"en":"Hello","ar":"مرحبا"}}'"""
        line = f'curl -s {posts} -H "Authorization: Bearer $TOKEN" {body}'
        yield from _step("a draft in two languages; nobody reads it before it is published", line)


def _login(url: str) -> str:
    credentials = f'{{"email":"{EMAIL}","password":"{PASSWORD}"}}'
    request = f"curl -s {url}/api/auth/login -H 'Content-Type: application/json' -d '{credentials}'"
    return f"""TOKEN=$({request} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""


def _step(words: str, line: str) -> Iterator[str]:
    yield f"{words}:"
    yield f"  {line}"
