"""Whatever is done to an entry, in whatever order: versions, drafts and what readers get agree with a model."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
LIST = "/api/spaces/demo/content/article"
WORDS = st.sampled_from(["one", "two", "ثلاثة"])
LOCALES = st.sampled_from(["en", "ar"])
RATINGS = st.sampled_from([None, 1, 5])
AUTHORS = st.sampled_from([None, 0, 1])
Fields = dict[str, Any]


class History(RuleBasedStateMachine):
    """One article: what was saved, and what is published of it."""

    site: Site
    loop: asyncio.AbstractEventLoop
    authors: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[Fields] = []
        self.titles: dict[str, str] = {}
        self.rest: Fields = {}
        """Of what readers get, the titles by locale and what is not localised."""
        self.is_trashed = False
        self.path = ""

    def ask(self, asked: Coroutine[Any, Any, Any], *statuses: int) -> Any:
        """Send a request on the site's loop and wait for the answer."""
        answer = asyncio.run_coroutine_threadsafe(asked, self.loop).result()
        assert answer.status_code in (statuses or (200,)), answer.text
        return answer.json() if answer.content else None

    def get(self, place: str = "", *statuses: int, draft: bool = True) -> Any:
        """Read the article, or something of it."""
        headers = self.site.admin if draft else {}
        return self.ask(self.site.get(f"{self.path}{place}", headers=headers), *statuses)

    def post(self, place: str, body: Any = None) -> Any:
        """Do something with the article."""
        return self.ask(self.site.post(f"{self.path}/{place}", body, headers=self.site.admin))

    @property
    def head(self) -> Fields:
        """The newest version."""
        return self.versions[-1]

    def saved(self, fields: Fields, answer: Fields) -> None:
        """Note a version; saving what is there already need not make one."""
        if answer["version"] == len(self.versions):
            assert fields == self.head
        else:
            self.versions.append(fields)
        assert answer["version"] == len(self.versions)

    @initialize(title=WORDS, rating=RATINGS, author=AUTHORS)
    def create(self, title: str, rating: int | None, author: int | None) -> None:
        """Begin with a draft in both locales."""
        fields = {"title": {"en": title, "ar": title}, "rating": rating, "author": author}
        data = {**self._input(fields), "slug": {}}
        made = self.ask(self.site.post(LIST, data, headers=self.site.admin), 201)
        self.path = f"{LIST}/{made['id']}"
        self.saved(fields, made)

    def _input(self, fields: Fields) -> Fields:
        author = fields.get("author")
        named = {"author": None if author is None else self.authors[author]} if "author" in fields else {}
        return {**fields, **named}

    @precondition(lambda self: not self.is_trashed)
    @rule(locale=LOCALES, title=WORDS)
    def retitle(self, locale: str, title: str) -> None:
        """Change one locale."""
        self._change({"title": {locale: title}}, {"title": {**self.head["title"], locale: title}})

    @precondition(lambda self: not self.is_trashed)
    @rule(rating=RATINGS, author=AUTHORS)
    def change(self, rating: int | None, author: int | None) -> None:
        """Change what is not localised."""
        self._change({"rating": rating, "author": author}, {"rating": rating, "author": author})

    def _change(self, patch: Fields, fields: Fields) -> None:
        answer = self.ask(self.site.patch(self.path, self._input(patch), headers=self.site.admin))
        self.saved({**self.head, **fields}, answer)

    @precondition(lambda self: not self.is_trashed)
    @rule(data=st.data())
    def restore_version(self, data: st.DataObject) -> None:
        """Bring back what an earlier version said."""
        number = data.draw(st.integers(1, len(self.versions)))
        self.saved(self.versions[number - 1], self.post(f"versions/{number}/restore"))

    @precondition(lambda self: not self.is_trashed)
    @rule(locale=LOCALES)
    def publish(self, locale: str) -> None:
        """Let readers get one locale, and what is not localised."""
        self.post("publish", {"locales": [locale]})
        self.titles[locale] = self.head["title"][locale]
        self.rest = {"rating": self.head["rating"], "author": self.head["author"]}

    @precondition(lambda self: not self.is_trashed)
    @rule(locale=LOCALES)
    def unpublish(self, locale: str) -> None:
        """Take one locale from the readers."""
        self.post("unpublish", {"locales": [locale]})
        self.titles.pop(locale, None)

    @precondition(lambda self: not self.is_trashed)
    @rule()
    def trash(self) -> None:
        """Readers no longer get it."""
        self.ask(self.site.delete(self.path, headers=self.site.admin), 204)
        self.is_trashed, self.titles = True, {}

    @precondition(lambda self: self.is_trashed)
    @rule()
    def untrash(self) -> None:
        """It comes back as a draft, with its versions."""
        assert self.post("restore")["version"] == len(self.versions)
        self.is_trashed = False

    @invariant()
    def readers_get_what_was_published_last(self) -> None:
        """In the locale, else in the default locale, else nothing."""
        if not self.path:
            return
        for locale in ("en", "ar"):
            title = self.titles.get(locale) or self.titles.get("en")
            if title is None:
                self.get(f"?locale={locale}", 404, draft=False)
            else:
                shown = self.get(f"?locale={locale}", draft=False)
                assert (shown["title"], self._fields(shown)) == (title, self.rest)

    def _fields(self, shown: Fields) -> Fields:
        author = shown["author"]
        return {"rating": shown["rating"], "author": None if author is None else self.authors.index(author)}

    @invariant()
    def each_locale_knows_how_it_stands(self) -> None:
        """``changed`` where what readers get differs from the newest version."""
        if not self.path or self.is_trashed:
            return
        standing = {one["locale"]: one["status"] for one in self.get("/status")["items"]}
        for locale in ("en", "ar"):
            same = {**self.rest, "title": self.titles.get(locale)} == {**self.head, "title": self.head["title"][locale]}
            wanted = "draft" if locale not in self.titles else "published" if same else "changed"
            assert standing[locale] == wanted, locale

    def teardown(self) -> None:
        """In the end look at everything that was ever saved."""
        if not self.path:
            return
        if self.is_trashed:
            self.get("?perspective=draft", 404)
            self.untrash()
        for number, fields in enumerate(self.versions, 1):
            shown = self.get(f"/versions/{number}?locale=*")
            assert {"title": shown["title"], **self._fields(shown)} == fields
        assert self.get("/versions?count=exact")["total"] == len(self.versions)
        first = self.versions[0]
        changes = {one["path"].split("/")[1] for one in self.get(f"/versions/1/diff/{len(self.versions)}")}
        assert changes == {name for name in first if first[name] != self.head[name]}
        self._check_references()

    def _check_references(self) -> None:
        """A person is referred to by the draft, and by what readers get."""
        linked = {self.head["author"], *([self.rest["author"]] if self.titles else [])}
        for number, author in enumerate(self.authors):
            path = f"/api/spaces/demo/content/person/{author}/references?limit=100"
            items = self.ask(self.site.get(path, headers=self.site.admin))["items"]
            found = [item["field"] for item in items if self.path.endswith(item["id"])]
            assert found == (["author"] if number in linked else []), number


async def test_every_history_agrees_with_its_model(site: Site) -> None:
    """Edits in locales, publishes, unpublishes, restored versions, the trash."""
    authors = [(await site.entry({"name": name}, type="person", publish=False))["id"] for name in ("Ann", "Ben")]
    parts = {"site": site, "loop": asyncio.get_running_loop(), "authors": authors}
    machine = type("OneHistory", (History,), parts)
    chosen = settings(
        max_examples=examples(10),
        stateful_step_count=15,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
