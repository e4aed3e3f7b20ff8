"""What no policy allows, asked for in every spelling, in every part of a query, and with no policies at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support
from streams_support import listening  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"
PERSONS = "/api/spaces/demo/content/person"
MARKER = b"nobody-reads-this"


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site on one engine: neither paths nor refusals are about SQL."""
    async with open_articles(sqlite_url) as opened:
        yield opened


def spellings(path: str) -> list[str]:
    """Return forty ways to write a path that somebody in front of us might take for it, and the path itself."""
    head, _, last = path.rpartition("/")
    encoded = "".join(f"%{ord(letter):02x}" for letter in last)
    return [
        path, path.upper(), path.title(), path.replace("person", "Person"), path.replace("/api", "/API"),
        f"{path}/", f"{path}//", f"/{path}", f"//{path}", path.replace("/", "//"), f"{head}//{last}",
        f"{head}/./{last}", f"{head}/../person/{last}", f"{head}/x/../{last}",
        f"{path}/.", f"{path}/..", f"{path}/x/..",
        f"/x/..{path}", f"/./{path[1:]}", f"{head}%2F{last}",
        f"{head}%2f{last}", path.replace("/", "%2F"), f"{path}%2F",
        f"{path}%2e", f"{head}/%2e/{last}",
        f"{head}/%2e%2e/person/{last}", f"{head}/{encoded}", f"{head}/{encoded.upper()}",
        f"{path}%00", f"{path}%0a", f"{path}%0d%0a", f"{path}%20",
        f"{path}%09", f"{path};", f"{path};a=b", f"{path}%3B",
        f"{path}.json", f"{path}.", f"{path}\\", path.replace("/", "\\"), f"{path}%5c", f"{path}%252F", f"{path}#x",
        f"http://other.example{path}", f"{path}?", path.replace("person", "%70erson"),
    ]  # fmt: skip


def raw_spellings(path: str) -> list[bytes]:
    """Return ways to write a path that no client would send, as bytes."""
    head, _, last = path.encode().rpartition(b"/")
    place = head + b"/"
    return [
        head + b"%c0%af" + last, head + b"\xc0\xaf" + last, head + b"%e0%80%af" + last, head + b"%ef%bc%8f" + last,
        head + b"%u002f" + last, place + b"%c1%b0" + last[1:], place + b"\xff" + last, head + b"\x00/" + last,
        place + last + b"\x00", place + last + b"\n", place + last + b"\r", place + last + b"\t",
        place + b"..;/" + head.rpartition(b"/")[2] + b"/" + last, head + b";x=y/" + last, head + b"\\" + last,
        place + b"..%5c" + last, place + b"..%c0%af" + last, place + b"%25" + last, place + last + b"%",
        place + last + b"%2", place + last + b"%zz", place + last + b"%ff", place + b"\xe2\x80\x8b" + last,
        b"https://127.0.0.1" + place + last, b"//other.example" + place + last, b"*" + place + last,
    ]  # fmt: skip


OVERRIDES = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Script-Name")
"""Headers with which some servers let a proxy say what the path is."""


async def _send(port: int, path: bytes, *lines: str) -> tuple[int, bytes]:
    """Return the status and the body of what a path is answered with; 0 where the connection was just closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{line}\r\n" for line in ("Host: test", "Connection: close", *lines))
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + head.encode() + b"\r\n")
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
    return (int(answer.split(b" ", 2)[1]) if answer else 0), answer.partition(b"\r\n\r\n")[2]


async def test_no_spelling_of_a_path_allows_more_than_its_own(site: Site) -> None:
    """Sent raw, by nobody and by a reader: what is closed stays closed, and no spelling is an error of ours."""
    person = await site.entry({"name": MARKER.decode()}, type="person", publish=False)
    shown = await site.entry({"title": "Shown"})
    policy = {"effect": "allow", "type": "article", "actions": ["read"]}
    await site.put("/api/spaces/demo/roles/reader", {"policies": [policy]}, headers=site.admin)
    reader = await site.account("reader@example.org", "reader")
    closed = (f"{PERSONS}/{person['id']}", PERSONS, "/api/spaces/demo/audit", "/api/users", "/metrics")
    async with listening(site.application) as (_, port):
        for lines in ((), (f"Authorization: {reader['authorization']}",)):
            for path in closed:
                for asked in [*(each.encode() for each in spellings(path)), *raw_spellings(path)]:
                    status, body = await _send(port, asked, *lines)
                    assert 400 <= status < 500, (asked, lines, status)
                    assert MARKER not in body, asked
                for name in OVERRIDES:
                    status, body = await _send(port, b"/health/live", f"{name}: {path}", *lines)
                    assert (status, body) == (200, b'{"status":"ok"}'), name
            open_path = f"{LIST}/{shown['id']}"
            _, own = await _send(port, open_path.encode(), *lines)
            for asked in [*(each.encode() for each in spellings(open_path)), *raw_spellings(open_path)]:
                status, body = await _send(port, asked, *lines)
                assert (status == 200 and body == own) or 400 <= status < 500, (asked, lines, status)


async def test_every_part_of_a_query_refuses_the_same_way(site: Site) -> None:
    """A path to nothing and one to what the caller may not read: the same body but for the name that was asked."""
    await site.entry({"title": "one", "note": "hidden", "key": "hidden"})
    parts = (
        "filter[{}][eq]=x", "filter[not][{}][eq]=x", "filter[or][0][{}][eq]=x", "filter[{}][exists]=true", "sort={}",
        "sort=-{}", "fields={}", "fields=title,{}", "include={}", "sort=title,{}",
    )  # fmt: skip
    for part in parts:
        bodies: set[str] = set()
        for name in ("note", "nope", "key", "created_by"):
            answer = await site.get(f"{LIST}?{part.format(name)}")
            assert answer.status_code == 400, (part, name, answer.text)
            problem: dict[str, Any] = answer.json()
            problem.pop("request_id", None)
            bodies.add(str(problem).replace(name, "?"))
        assert len(bodies) == 1, bodies
