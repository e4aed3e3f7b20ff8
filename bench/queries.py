"""Lists and versions: includes, far pages, words in titles, bulk, and size that does not matter."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from bench.content import SPACE, same, source_of
from bench.filling import Database
from bench.load import Source, drive, measure, request

if TYPE_CHECKING:
    from collections import defaultdict

    from bench.instance import Instance
    from bench.rows import Measured

BASE: Final = 10_000
"""Notes that everything is measured with; the large rows compare with them."""
BULK_LINES: Final = 4_000
FAR: Final = 9_000
NOTES: Final = f"/api/spaces/{SPACE}/content/note"
ORDER: Final = "sort=-rank&limit=25"
TYPES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "writer", "fields": [{"name": "name", "kind": "string"}, {"name": "about", "kind": "text"}]},
    {"name": "note", "indexes": [["-rank"]], "fields": [
        {"name": "title", "kind": "string", "indexed": True},
        {"name": "text", "kind": "text"},
        {"name": "subtitle", "kind": "string"},
        {"name": "rank", "kind": "integer"},
        {"name": "writer", "kind": "relation", "to": ["writer"]},
        {"name": "related", "kind": "relation", "to": ["note"], "many": True, "on_delete": "nullify"}]},
    {"name": "line", "fields": [{"name": "title", "kind": "string"}, {"name": "rank", "kind": "integer"}]},
)  # fmt: skip
_NUMBER, _RANK, _WORD = "0000000", "424242424", "wordwordword"
"""What stands in the note that is copied where every copy has something of its own."""
_RARE: Final = "lighthouse"
_WORDS: Final = ("square", "market", "kitchen", "bread", "notice", "town", "street", "evening", "letter", "reader")


class Queries:
    """The rows of one engine."""

    def __init__(self, name: str, instance: Instance, url: str, results: defaultdict[str, Measured]) -> None:
        """Take the instance, which runs, and where its results go."""
        self.name = name
        self.instance = instance
        self.results = results
        self.database = Database(url, instance.folder)
        self.ids: list[str] = []
        self._writers: list[str] = []
        self._note = ""

    def fill(self) -> None:
        """Write the types, writers and one note over HTTP, and copy that as often as needed."""
        token = self.instance.login()
        for definition in TYPES:
            self.instance.call("POST", f"/api/spaces/{SPACE}/types", definition, token=token)
        about = " ".join(_WORDS * 3)
        self._writers = [self._published("writer", {"name": f"Writer {n}", "about": about}) for n in range(50)]
        related = [self._published("note", {"title": f"Anchor {n}", "rank": -n, "text": about}) for n in range(3)]
        note = {"title": f"Note {_NUMBER} of the {_WORD}", "subtitle": f"Of the {_WORD} {_NUMBER}", "text": about}
        links = {"rank": int(_RANK), "writer": self._writers[0], "related": related}
        self._note = self._published("note", note | links)
        self.grow(range(1, BASE + 1))

    def _published(self, type_name: str, data: dict[str, Any]) -> str:
        token, place = self.instance.login() if not self._writers else self.token, f"/api/spaces/{SPACE}/content"
        self.token = token
        made = self.instance.call("POST", f"{place}/{type_name}", data, token=token)
        self.instance.call("POST", f"{place}/{type_name}/{made['id']}/publish", {}, token=token)
        return str(made["id"])

    def grow(self, numbers: Iterable[int]) -> None:
        """Copy the note; the server is away meanwhile."""
        self.instance.stop()
        chance = random.Random(1)  # noqa: S311 - content, not secrets

        def texts(number: int) -> dict[str, str]:
            rank = str(chance.randrange(1_000_000))
            word = _RARE if number % 1000 == 0 else _WORDS[number % len(_WORDS)]
            writer = {self._writers[0]: self._writers[number % len(self._writers)]}
            return {_NUMBER: f"{number:07d}", _RANK: rank, _WORD: word, **writer}

        self.ids += self.database.copy_entry("note", self._note, numbers, texts)
        self.database.tidy()
        self.instance.start()

    def paths(self) -> dict[str, str]:
        """Return the lists that are compared with the bare handler."""
        return {
            "includes": f"{NOTES}?{ORDER}&include=writer,related",
            "offset": f"{NOTES}?{ORDER}&offset={FAR}",
        }

    def far_page(self, *, rounds: int, seconds: float) -> None:
        """Compare the page that a cursor leads to at 9,000 with the first one."""
        before = self.instance.call("GET", f"{NOTES}?{ORDER}&offset={FAR - 25}")
        far = f"{NOTES}?{ORDER}&cursor={before['next']}"
        self._times("cursor", same(f"{NOTES}?{ORDER}"), same(far), rounds=rounds, seconds=seconds)

    def words(self, *, rounds: int, seconds: float) -> None:
        """Look for a word that every tenth title has, and one that ten of all have, with an index and without one."""
        asked = {
            "word": "filter[title][icontains]=MARKET", "rare": "filter[title][icontains]=LIGHTHOUSE",
            "scan": "filter[subtitle][icontains]=LIGHTHOUSE",
        }  # fmt: skip
        for (row, query), _ in itertools.product(asked.items(), range(rounds)):
            self._rate(row, same(f"{NOTES}?{query}&limit=25"), seconds)

    def others(self, *, rounds: int, seconds: float) -> None:
        """Ask the like, but never the same twice within what is kept in memory."""
        chance = random.Random(3)  # noqa: S311 - an order, not a secret
        asked: dict[str, Callable[[], str]] = {
            "other includes": lambda: (
                f"{ORDER}&include=writer,related&filter[rank][lt]={chance.randrange(100_000, 1_000_000)}"
            ),
            "other offset": lambda: f"{ORDER}&offset={chance.randrange(FAR)}",
            "other word": lambda: (
                f"filter[title][icontains]=MARKET&filter[rank][gte]={chance.randrange(9_999)}&limit=25"
            ),
            "other rare": lambda: (
                f"filter[title][icontains]={_RARE}&filter[rank][gte]={chance.randrange(9_999)}&limit=25"
            ),
            "other scan": lambda: f"filter[subtitle][icontains]={chance.randrange(BASE):07d}&limit=25",
        }
        for (row, query), _ in itertools.product(asked.items(), range(rounds)):
            self._rate(row, lambda query=query: request("GET", f"{NOTES}?{query()}"), seconds)

    def versions(self, count: int, *, rounds: int, seconds: float) -> None:
        """List the versions of an entry that has so many."""
        self.instance.stop()
        self.database.copy_versions(self._note, count)
        self.database.tidy()
        self.instance.start()
        made = request("GET", f"{NOTES}/{self._note}/versions?limit=25", token=self.instance.login())
        for _ in range(rounds):
            rate = measure(self.instance.port, lambda: made, expect=200, seconds=seconds)
            self._result("versions").values.append(rate.p95_ms)

    def bulk(self, *, rounds: int) -> None:
        """Create entries in bulk."""
        for number in range(rounds):
            token = self.instance.login()
            lines = [
                json.dumps({"op": "create", "type": "line", "data": {"title": f"Line {number} {n}", "rank": n}})
                for n in range(BULK_LINES)
            ]
            body = "\n".join(lines).encode()
            headers = ("Content-Type: application/x-ndjson", f"Content-Length: {len(body)}")
            made = request("POST", f"/api/spaces/{SPACE}/bulk", token=token, headers=headers) + body
            begin = time.perf_counter()
            drive(self.instance.port, source_of(iter([made])), expect=200, connections=1)
            self._result("bulk").values.append(BULK_LINES / (time.perf_counter() - begin))

    def large(self, size: int, *, rounds: int, seconds: float) -> None:
        """Compare reading among so many with reading among 10,000: in turn is not possible here."""
        rows = {"large by-id": self._by_id, "large list": lambda: same(f"{NOTES}?{ORDER}")}
        few = {row: self._best(source, rounds, seconds) for row, source in rows.items()}
        self.grow(range(BASE + 1, size + 1))
        for row, source in rows.items():
            self._result(row).values.append(few[row] / self._best(source, rounds, seconds))

    def _by_id(self) -> Source:
        chosen = random.Random(2).sample(self.ids, min(len(self.ids), 20_000))  # noqa: S311 - an order, not a secret
        return source_of(itertools.cycle([request("GET", f"{NOTES}/{each}") for each in chosen]))

    def _best(self, source: Callable[[], Source], rounds: int, seconds: float) -> float:
        return max(measure(self.instance.port, source(), expect=200, seconds=seconds).per_second for _ in range(rounds))

    def _times(self, row: str, near: Source, far: Source, *, rounds: int, seconds: float) -> None:
        for _ in range(rounds):
            first = measure(self.instance.port, near, expect=200, seconds=seconds).per_second
            self._result(row).values.append(
                first / measure(self.instance.port, far, expect=200, seconds=seconds).per_second
            )

    def _rate(self, row: str, source: Source, seconds: float) -> None:
        rate = measure(self.instance.port, source, expect=200, seconds=seconds)
        self._result(row).values.append(rate.per_second)
        self._result(row).p99_ms.append(rate.p99_ms)

    def _result(self, row: str) -> Measured:
        return self.results[f"{self.name} {row}"]
