"""The roles of a space through Casbin's own enforcer: read, changed line by line, and in force at once."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import casbin
import msgspec
import pytest
from casbin.model import Model
from casbin.persist.adapters.filtered_file_adapter import Filter
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.casbin import MODEL, Rule
from maydan.errors import Conflict, Forbidden, InvalidInput, Stale, Unavailable
from maydan.operations.core import Caller, as_system
from maydan.operations.policy_adapter import PolicyAdapter
from maydan.operations.policy_files import export_policies, import_policies
from maydan.storage.opening import open_store
from maydan.storage.ports import Statement
from maydan.storage.revisions import bump
from maydan.storage.schema.m0001_access import RULE_INSERT, rule_values

pytestmark = pytest.mark.anyio
WHOLE = '{"n":0,"fields":["*"]}'
READ = ["role:desk", "demo", "article", "read", "allow", WHOLE]
EDIT = ["role:desk", "demo", "article", "update", "allow", '{"n":0,"fields":["title"]}']


async def enforcer_of(site: Site, caller: Caller | None = None) -> Any:
    """Return an enforcer that reads and writes the policies of the space."""
    model = Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.AsyncEnforcer(model, PolicyAdapter(site.core, caller or as_system("test"), "demo"))
    await enforcer.load_policy()
    return enforcer


async def rows(site: Site) -> list[tuple[Any, ...]]:
    """Return all that is stored of roles, byte by byte."""
    store = site.core.store
    kept = await store.fetch_all("SELECT * FROM maydan_casbin_rules ORDER BY id")
    return [*kept, *await store.fetch_all("SELECT * FROM maydan_roles ORDER BY space_key, name")]


async def version(site: Site, role: str) -> int:
    """Return how often a role was written."""
    found = await site.core.store.fetch_one("SELECT version FROM maydan_roles WHERE name = ?", role)
    return 0 if found is None else found[0]


def lines(enforcer: Any) -> list[str]:
    """Return what the enforcer has in memory, as a file would have it."""
    found = ["p, " + ", ".join(rule) for rule in enforcer.get_policy()]
    return sorted(found + ["g, " + ", ".join(rule) for rule in enforcer.get_grouping_policy()])


async def test_a_line_is_added_and_removed_in_one_transaction_with_the_version(site: Site) -> None:
    """It is in force at once, the log says who did it, and what was read is what is exported."""
    enforcer = await enforcer_of(site)
    assert lines(enforcer) == sorted((await export_policies(site.core, site.space)).splitlines())
    other = await version(site, "author")
    assert await enforcer.add_policy(*READ)
    assert not await enforcer.add_policy(*READ)
    assert await enforcer.add_grouping_policy("role:desk", "role:member", "demo")
    assert (await version(site, "desk"), await version(site, "author")) == (2, other)
    ann = await site.account("ann@example.org", "desk")
    entry = (await site.entry({"title": "One"}, publish=False))["id"]
    url = f"/api/spaces/demo/content/article/{entry}"
    change = {"headers": {**ann, "if-match": "*"}}
    assert (await site.patch(url, {"title": "Two"}, **change)).status_code in (403, 404)
    draft = [*READ[:3], "read_draft", *READ[4:]]
    assert await enforcer.add_policies([EDIT, draft])
    assert (await site.patch(url, {"title": "Two"}, **change)).status_code == 200
    assert await enforcer.update_policy(EDIT, [*EDIT[:4], "deny", WHOLE])
    assert (await site.patch(url, {"title": "Three"}, **change)).status_code == 403
    assert await enforcer.remove_policies([[*EDIT[:4], "deny", WHOLE]])
    assert not await enforcer.remove_policy(*EDIT)
    await enforcer.load_policy()
    assert lines(enforcer) == sorted((await export_policies(site.core, site.space)).splitlines())
    told = await site.core.store.fetch_all("SELECT type FROM maydan_log WHERE subject_id = 'desk'")
    assert [kind for (kind,) in told] == ["role.changed"] * 5


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InvalidInput, ["role:desk", "demo", "nothing", "read", "allow", WHOLE]),
        (InvalidInput, ["role:desk", "demo", "article", "read", "allow", '{"n":0,"fields":["no"]}']),
        (InvalidInput, ["role:desk", "demo", "article", "read", "maybe", WHOLE]),
        (InvalidInput, ["role:desk", "demo", "article", "read", "allow", "{"]),
        (InvalidInput, ["role:desk", "elsewhere", "article", "read", "allow", WHOLE]),
        (InvalidInput, ["user:ann", "demo", "article", "read", "allow", WHOLE]),
        (Conflict, ["role:administrator", "demo", "article", "read", "allow", WHOLE]),
    ],
)
async def test_what_is_refused_changes_nothing(site: Site, error: type[Exception], line: list[str]) -> None:
    """Not a byte of what is stored."""
    adapter, before = PolicyAdapter(site.core, as_system("test"), "demo"), await rows(site)
    with pytest.raises(error):
        await adapter.add_policies("p", "p", [READ, line])
    assert await rows(site) == before


async def test_after_a_refusal_others_write_at_once(site: Site) -> None:
    """A script may do something else before its event loop turns again, or never let it turn."""
    adapter = PolicyAdapter(site.core, as_system("test"), "demo")
    with pytest.raises(InvalidInput):
        await adapter.add_policy("p", "p", [*READ[:5], '{"n":0,"fields":["no"]}'])
    write_elsewhere(site)
    with pytest.raises(InvalidInput):
        await import_policies(site.core, as_system("test"), site.space, "g, role:desk, role:nobody, demo")
    write_elsewhere(site)
    assert await import_policies(site.core, as_system("test"), site.space, "g, role:a, role:member, demo", dry_run=True)
    write_elsewhere(site)


def write_elsewhere(site: Site) -> None:
    """Write as another process would, while this loop stands still; raises where that waits for half a second."""

    async def write() -> None:
        store = open_store(msgspec.structs.replace(site.core.settings.database, write_wait_s=0.5))
        await store.open()
        try:
            await store.commit([bump("test")])
        finally:
            await store.close()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, write()).result()


async def test_what_a_role_starts_with_stays_and_memberships_are_set_elsewhere(site: Site) -> None:
    """And who does not manage roles changes none."""
    enforcer = await enforcer_of(site)
    adapter, before = PolicyAdapter(site.core, as_system("test"), "demo"), await rows(site)
    built_in = next(rule for rule in enforcer.get_policy() if rule[0] == "role:editor")
    with pytest.raises(Conflict):
        await adapter.remove_policy("p", "p", built_in)
    with pytest.raises(InvalidInput, match="Memberships"):
        await adapter.add_policy("g", "g", ["user:ann", "role:editor", "demo"])
    await site.account("ann@example.org", "editor")
    row = await site.core.store.fetch_one("SELECT id FROM maydan_accounts WHERE email = 'ann@example.org'")
    assert row is not None
    ann = Caller(actor=await site.core.authenticator.of_account(str(row[0])))  # type: ignore[arg-type] - not suspended
    with pytest.raises(Forbidden):
        await PolicyAdapter(site.core, ann, "demo").add_policy("p", "p", READ)
    assert await rows(site) == before


async def test_of_two_who_change_one_role_neither_loses_a_line(site: Site) -> None:
    """Each goes on from what the other left, or is told to try again."""
    adapters = [PolicyAdapter(site.core, as_system("test"), "demo") for _ in range(2)]
    wanted = [[*READ[:3], action, *READ[4:]] for action in ("read", "update", "delete", "publish")]

    async def add(adapter: PolicyAdapter, line: list[str]) -> None:
        while True:
            try:
                assert await adapter.add_policy("p", "p", line)
            except (Stale, Unavailable):  # told to try again, and nothing was changed
                await asyncio.sleep(0.01)
            else:
                return

    async with asyncio.timeout(60):
        await asyncio.gather(*(add(adapters[place % 2], line) for place, line in enumerate(wanted)))
    text = await export_policies(site.core, site.space)
    assert all(f"role:desk, demo, article, {line[3]}, allow" in text for line in wanted)


async def test_any_sequence_of_changes_leaves_the_lines_that_a_list_would_have(site: Site) -> None:
    """Whatever is added and removed; a line that is there, or is not, changes nothing."""
    dice, kept = random.Random(7), set[tuple[str, ...]]()
    adapter = PolicyAdapter(site.core, as_system("test"), "demo")
    pool = [
        ("role:desk", "demo", "article", action, effect, f'{{"n":0,"fields":{fields}}}')
        for action in ("read", "update") for effect in ("allow", "deny") for fields in ('["*"]', '["title"]')
    ]  # fmt: skip
    for _ in range(40):
        line = dice.choice(pool)
        if dice.random() < 0.6:
            assert await adapter.add_policy("p", "p", line) is (line not in kept)
            kept.add(line)
        else:
            assert await adapter.remove_policy("p", "p", line) is (line in kept)
            kept.discard(line)
    text = await export_policies(site.core, site.space)
    assert sum(line.startswith("p, role:desk, ") for line in text.splitlines()) == len(kept)


async def test_a_line_that_was_stored_twice_goes_with_one_call(site: Site) -> None:
    """Doubled lines of an older instance count once, and two policies that say the same lose it together."""
    policy = {"effect": "allow", "type": "article", "actions": ["read", "read"], "fields": ["title"]}
    body = {"inherits": ["member"], "policies": [policy, {**policy, "actions": ["read", "update"]}]}
    assert (await site.put("/api/spaces/demo/roles/desk", body, headers=site.admin)).is_success
    store = site.core.store
    kept = "SELECT ptype, v0, v1, v2, v3, v4, v5 FROM maydan_casbin_rules WHERE v0 = 'role:desk'"
    stored = [Rule(row[0], row[1:]) for row in await store.fetch_all(kept)]
    assert sum(rule.values[3] == "read" for rule in stored) == 2  # one of each policy
    await store.commit([Statement(RULE_INSERT, rule_values(site.space.key, rule)) for rule in stored])
    adapter = PolicyAdapter(site.core, as_system("test"), "demo")
    assert (await export_policies(site.core, site.space)).count("g, role:desk, role:member") == 1
    assert await adapter.remove_policy("g", "g", ["role:desk", "role:member", "demo"])
    assert await adapter.remove_filtered_policy("p", "p", 0, "role:desk", "demo", "article", "read")
    left = [line for line in (await export_policies(site.core, site.space)).splitlines() if "role:desk" in line]
    assert [line.split(", ")[4] for line in left] == ["update"]
    both = [[*EDIT[:5], f'{{"n":{number},"fields":["title"]}}'] for number in (0, 1)]
    assert await adapter.remove_policies("p", "p", both)
    assert "role:desk" not in await export_policies(site.core, site.space)
    assert await store.fetch_all(kept) == []


@pytest.mark.parametrize(
    ("ptype", "first", "values"), [("p", -1, ["x"]), ("p", -1, [""]), ("p", 6, [""]), ("g", 2, ["", ""])]
)
async def test_parts_that_no_line_has_fit_none(site: Site, ptype: str, first: int, values: list[str]) -> None:
    """Counted from the end, or past it, they would fit every line."""
    adapter = PolicyAdapter(site.core, as_system("test"), "demo")
    assert await adapter.add_policies("p", "p", [READ, EDIT])
    before = await rows(site)
    with pytest.raises(InvalidInput, match="parts"):
        await adapter.remove_filtered_policy("p", ptype, first, *values)
    assert await adapter.update_filtered_policies("p", ptype, [READ], first, *values) == []
    assert await rows(site) == before


async def test_a_part_of_the_policies_is_named_by_roles(site: Site) -> None:
    """One or several; pycasbin's own filters are refused, and load nothing in silence."""
    adapter = PolicyAdapter(site.core, as_system("test"), "demo")
    model = Model()
    model.load_model_from_text(MODEL)
    for wanted in (Filter(), {"role:editor": 1}, [1], ["editor", None], None, b"editor"):
        with pytest.raises(InvalidInput, match="names of roles"):
            await adapter.load_filtered_policy(model, wanted)  # type: ignore[arg-type] - that is what is tried
    assert model.model["p"]["p"].policy == []
    for wanted in ("editor", ["role:editor"], ("editor",), {"editor"}):
        await adapter.load_filtered_policy(model, wanted)
        assert {line[0] for line in model.model["p"]["p"].policy} == {"role:editor"}


def test_nothing_that_serves_imports_casbin() -> None:
    """It is an extra for operators' scripts; requests are judged by compiled snapshots."""
    code = "import sys, maydan.app, maydan.cli.worker, maydan.http.surface; print('casbin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
