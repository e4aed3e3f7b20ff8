"""The content that is measured: articles of about 2 KB, written and published over HTTP as any client would."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bench.load import Source, drive, request

if TYPE_CHECKING:
    from bench.instance import Instance

SPACE: Final = "bench"
CONTENT: Final = f"/api/spaces/{SPACE}/content/article"
CATEGORIES: Final = ("news", "guide", "essay", "review", "letter", "story", "recipe", "report", "poem", "talk")
TYPE: Final[dict[str, Any]] = {
    "name": "article",
    "title": "Article",
    "slug_from": "title",
    "indexes": [["category", "-rating"]],
    "fields": [
        {"name": "title", "kind": "string", "required": True, "localized": True, "max_length": 200},
        {"name": "body", "kind": "richtext", "localized": True},
        {"name": "category", "kind": "enum", "values": list(CATEGORIES)},
        {"name": "rating", "kind": "integer", "min": 0, "max": 10_000},
    ],
}
LIST: Final = f"{CONTENT}?filter[category][eq]=news&sort=-rating&limit=25"
_WORDS: Final = (
    "square",
    "market",
    "kitchen",
    "bread",
    "talk",
    "notice",
    "town",
    "street",
    "evening",
    "letter",
    "reader",
    "story",
    "water",
    "stone",
)


def create_space(instance: Instance) -> None:
    """Make the space and its type."""
    token = instance.login()
    space = {"name": SPACE, "title": "Bench", "locales": ["en"], "default_locale": "en"}
    instance.call("POST", "/api/spaces", space, token=token)
    instance.call("POST", f"/api/spaces/{SPACE}/types", TYPE, token=token)


def article(number: int) -> dict[str, Any]:
    """Return the input of one article, about 2 KB as JSON; the same for the same number."""
    chance = random.Random(number)  # noqa: S311 - content, not secrets
    words = " ".join(chance.choices(_WORDS, k=280))
    return {
        "title": f"Article {number} of the {chance.choice(_WORDS)}",
        "body": f"<p>{words}</p>",
        "category": CATEGORIES[number % len(CATEGORIES)],
        "rating": chance.randrange(10_000),
    }


def fill(instance: Instance, size: int) -> list[str]:
    """Write and publish so many articles; return their ids."""
    token = instance.login()
    ids: list[str] = []

    def keep(body: bytes) -> None:
        ids.append(json.loads(body)["id"])

    create = (request("POST", CONTENT, token=token, body=_json(article(number))) for number in range(size))
    drive(instance.port, source_of(create), expect=201, taker=keep)
    publish = (request("POST", f"{CONTENT}/{each}/publish", token=token, body=b"{}") for each in ids)
    drive(instance.port, source_of(publish), expect=200)
    return ids


def creates(token: str, start: int) -> Source:
    """Give requests that each create an article of its own."""
    return source_of(
        request("POST", CONTENT, token=token, body=_json(article(number))) for number in itertools.count(start)
    )


def updates(token: str, ids: list[str], seed: int) -> Source:
    """Give requests that each change the body of another article, so that no two change one at a time."""
    order = random.Random(seed).sample(ids, len(ids))  # noqa: S311 - an order, not a secret
    bodies = (_json({"body": article(number)["body"]}) for number in itertools.count(seed * 1_000_000))
    return source_of(
        request("PATCH", f"{CONTENT}/{each}", token=token, body=body, headers=("If-Match: *",))
        for each, body in zip(itertools.cycle(order), bodies, strict=False)
    )


def reads(ids: list[str]) -> Source:
    """Give requests for one article each, in an order without order."""
    order = random.Random(1).sample(ids, len(ids))  # noqa: S311 - an order, not a secret
    made = [request("GET", f"{CONTENT}/{each}") for each in order]
    return source_of(itertools.cycle(made))


def same(path: str) -> Source:
    """Give the same request again and again."""
    made = request("GET", path)
    return lambda: made


def source_of(requests: Iterator[bytes]) -> Source:
    """Return what gives the requests of an iterator one by one."""
    return lambda: next(requests, None)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
