"""Previews: a signed link to one draft, as long as its maker may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support

from maydan.ids import new_id
from maydan.operations.previews import sign, verified

LIST = "/api/spaces/demo/content/article"


@pytest.fixture
async def one_site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site for rules that no engine has a part in."""
    async with open_articles(sqlite_url) as opened:
        yield opened


@given(place=st.integers(0, 73), letter=st.sampled_from("ABCxyz019-_=. \u00e9"))
def test_a_token_with_another_letter_is_none(place: int, letter: str) -> None:
    """Whatever is changed in a token, or added to it, it names nothing."""
    preview_id = new_id()
    token = sign(b"s" * 32, preview_id)
    altered = token[:place] + letter + token[place + 1 :]
    assert verified(b"s" * 32, altered) == (preview_id if altered == token else None)
    assert verified(b"s" * 32, token) == preview_id
    assert verified(b"t" * 32, token) is None


def test_a_token_has_one_spelling() -> None:
    """Neither other letters for the bits that base64 leaves over, nor padding, nor what it skips, name the preview."""
    token = sign(b"s" * 32, new_id())
    last = ord(token[-1])
    spelled = [token[:-1] + letter for letter in map(chr, range(33, 127)) if ord(letter) != last]
    spelled += [f"{token}{more}" for more in ("=", "==", "\n", " ", "!", "A")]
    spelled += [token[:20] + more + token[20:] for more in ("\n", " ", "!", "=")]
    assert [each for each in spelled if verified(b"s" * 32, each) is not None] == []


@pytest.mark.anyio
async def test_a_preview_shows_one_draft_until_it_ends(site: Site) -> None:
    """The newest version to anybody, never kept by a cache; not another entry; over by the clock or by its maker."""
    entry = await site.entry({"title": "Shown", "note": "private"})
    other = await site.entry({"title": "Other"}, publish=False)
    path = f"{LIST}/{entry['id']}"
    ann = await site.account("ann@example.org", "editor")
    await site.patch(path, {"title": "Next"}, headers=ann)
    made = await site.post(f"{path}/previews", {"ttl": 60}, headers=ann)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"].endswith("no-store")
    url = f"{path}?preview={made.json()['token']}"
    seen = await site.get(url)
    assert (seen.status_code, seen.json()["title"], "note" in seen.json()) == (200, "Next", False)
    assert seen.headers["cache-control"] == "private, no-store"
    assert (await site.get(path)).json()["title"] == "Shown"
    assert (await site.get(f"{LIST}/{other['id']}?preview={made.json()['token']}")).status_code == 404
    assert (await site.get(f"{url}&perspective=published")).status_code == 400
    assert (await site.client.patch(url, json={"title": "No"}, headers={**ann, "if-match": "*"})).status_code == 400
    assert (await site.get(f"{path}?preview=mdn_pv_AAAA")).status_code == 404
    again = (await site.post(f"{path}/previews", headers=ann)).json()
    assert (await site.delete(f"{path}/previews/{again['id']}", headers=ann)).status_code == 204
    assert (await site.get(f"{path}?preview={again['token']}")).status_code == 404
    assert (await site.delete(f"{path}/previews/{again['id']}", headers=ann)).status_code == 404
    site.clock.forward(seconds=61)
    assert (await site.get(url)).status_code == 404


@pytest.mark.anyio
async def test_a_preview_dies_with_the_right_of_its_maker(one_site: Site) -> None:
    """Only who reads drafts makes one, and a lost role or a suspended account ends it at once."""
    site = one_site
    path = f"{LIST}/{(await site.entry({'title': 'Mine'}))['id']}"
    ann, reader = await site.account("ann@example.org", "editor"), await site.account("rea@example.org", "member")
    assert (await site.post(f"{path}/previews", headers=reader)).status_code == 403
    assert (await site.post(f"{path}/previews")).status_code == 401
    assert (await site.post(f"{path}/previews", {"ttl": 0}, headers=ann)).json()["errors"][0]["pointer"] == "/ttl"
    made = (await site.post(f"{path}/previews", headers=ann)).json()
    assert (await site.delete(f"{path}/previews/{made['id']}", headers=reader)).status_code == 403
    bob = await site.account("bob@example.org", "editor")
    assert (await site.delete(f"{path}/previews/{made['id']}", headers=bob)).status_code == 404
    assert (await site.get(f"{path}?preview={made['token']}")).status_code == 200
    member = f"/api/spaces/demo/members/{(await site.get('/api/me', headers=ann)).json()['id']}"
    assert (await site.put(member, {"roles": []}, headers={**site.admin, "if-match": "*"})).is_success
    assert (await site.get(f"{path}?preview={made['token']}")).status_code == 404


@pytest.mark.anyio
async def test_a_preview_includes_what_its_reader_may_read(one_site: Site) -> None:
    """Targets come as published and under the reader's own rights; a draft behind a link is not shown."""
    site = one_site
    await site.define({"name": "note", "fields": [
        {"name": "title", "kind": "string"}, {"name": "about", "kind": "relation", "to": ["note"]}]})  # fmt: skip
    notes = "/api/spaces/demo/content/note"
    shown = await site.entry({"title": "Public"}, type="note")
    await site.patch(f"{notes}/{shown['id']}", {"title": "Public, next"}, headers=site.admin)
    hidden = await site.entry({"title": "Hidden"}, type="note", publish=False)
    titles: list[str | None] = []
    for target in (shown, hidden):
        entry = await site.entry({"title": "Front", "about": target["id"]}, type="note", publish=False)
        made = (await site.post(f"{notes}/{entry['id']}/previews", headers=site.admin)).json()
        about = (await site.get(f"{notes}/{entry['id']}?preview={made['token']}&include=about")).json()["about"]
        titles.append(about and about["title"])
    assert titles == ["Public", None]
