"""Policies as a file: Casbin reads what we write and judges it alike, and we read it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import casbin
import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

from maydan.access.casbin import MODEL, RuleSet
from maydan.access.casbin_text import read_text, write_text
from maydan.access.compiling import compile_decision
from maydan.accounts.roles import Roles, SpaceRoles
from maydan.errors import Conflict, InvalidInput
from maydan.operations.core import as_system
from maydan.operations.policy_files import export_policies, import_policies
from maydan.operations.role_writing import roles_in_order

pytestmark = pytest.mark.anyio
SIMPLE = "%7B%22n%22%3A0%2C%22fields%22%3A%5B%22*%22%5D%7D"
ROLES: dict[str, dict[str, Any]] = {
    "desk": {
        "inherits": ["editor"],
        "policies": [
            {"effect": "deny", "type": "article", "actions": ["delete", "publish"]},
            {"effect": "allow", "type": "article", "actions": ["transition:accept"], "fields": ["title", "note"]},
        ],
    },
    "author": {
        "inherits": ["member"],
        "policies": [
            {"effect": "allow", "type": "person", "actions": ["read", "update"]},
            {"effect": "allow", "type": "article", "actions": ["read"], "fields": ["title"],
             "condition": {"title": {"in": ["a, b", "[(", '"%22"', "ä\n#"]}, "or": [{"rating": {"gte": 3}}]}},
        ],
    },
}  # fmt: skip


async def written(site: Site) -> None:
    """Write the roles."""
    for name, role in ROLES.items():
        answer = await site.put(f"/api/spaces/demo/roles/{name}", role, headers=site.admin)
        assert answer.is_success, answer.text


async def test_casbin_reads_what_is_exported_and_judges_alike(site: Site, tmp_path: Path) -> None:
    """Roles, effects and denials, through a file and the model; fields and conditions are in the last part."""
    await written(site)
    text = await export_policies(site.core, site.space)
    (tmp_path / "policy.csv").write_text(text)
    (tmp_path / "model.conf").write_text(MODEL)
    enforcer = casbin.Enforcer(str(tmp_path / "model.conf"), str(tmp_path / "policy.csv"))
    snapshot = await site.core.snapshots.get(site.space)
    types = {each.name: each for each in site.core.registry.types(site.space)}
    judged: set[bool] = set()
    for role in ("desk", "author", "editor", "owner", "member"):
        for name, content_type in types.items():
            for action in ("read", "update", "delete", "publish", "transition:accept"):
                allowed = enforcer.enforce(f"role:{role}", "demo", name, action)
                held = snapshot.policies_of([role])
                decision = compile_decision(held, action, content_type, snapshot.find_type).decision
                assert allowed is not decision.denied, (role, name, action)
                judged.add(allowed)
    assert judged == {True, False}
    lines = ["p, " + ", ".join(rule) for rule in enforcer.get_policy()]
    lines += ["g, " + ", ".join(rule) for rule in enforcer.get_grouping_policy()]
    assert sorted(lines) == sorted(text.splitlines())
    assert write_text(read_text(text)) == text


async def test_a_file_changes_what_it_says_and_nothing_else(site: Site) -> None:
    """All of it or nothing, by whom it is allowed; a role that it says nothing new of keeps its version."""
    await written(site)
    text = await export_policies(site.core, site.space)
    core, system, space = site.core, as_system("test"), site.space
    assert await import_policies(core, system, space, text) == []
    renamed = text.replace("role:desk", "role:chief").replace("role:author", "role:clerk")
    renamed += "g, role:chief, role:clerk, demo\n"
    tried = await import_policies(core, system, space, renamed, dry_run=True)
    assert tried == ["clerk", "chief"]
    assert (await site.get("/api/spaces/demo/roles/chief", headers=site.admin)).status_code == 404
    assert await import_policies(core, system, space, renamed) == tried
    for old, new, more in (("desk", "chief", ["clerk"]), ("author", "clerk", [])):
        role = (await site.get(f"/api/spaces/demo/roles/{new}", headers=site.admin)).json()
        source = (await site.get(f"/api/spaces/demo/roles/{old}", headers=site.admin)).json()
        assert (role["policies"], role["inherits"]) == (source["policies"], [*source["inherits"], *more])
        assert (role["version"], source["version"]) == (1, 1)


async def test_the_lines_that_a_space_gave_a_built_in_role_are_written_once(site: Site) -> None:
    """What the role starts with need not be in the file; without it the file says nothing else."""
    lines = f"p, role:manager, demo, article, publish, deny, {SPEC}\ng, role:manager, role:author, demo\n"
    await written(site)
    core, system, space = site.core, as_system("test"), site.space
    assert await import_policies(core, system, space, lines) == ["manager"]
    assert await import_policies(core, system, space, lines) == []
    assert await import_policies(core, system, space, await export_policies(core, space)) == []
    assert await import_policies(core, system, space, f"p, role:manager, demo, article, read, deny, {SPEC}") == [
        "manager"
    ]


SPEC = "{%22n%22:0%2C%22fields%22:%5B%22*%22%5D}"
LINE = "p, role:new, demo, article, read, allow, {%22n%22:0%2C%22fields%22:%5B%22*%22%5D%2C%22condition%22:"
TWICE = "{%22title%22:{%22eq%22:%22a%22}%2C%22title%22:{%22eq%22:%22b%22}}}"
BAD = (
    ("p, role:new, demo, article, read, allow", "six parts"),
    (f"p, new, demo, article, read, allow, {SPEC}", "role:<name>"),
    (f"p, role:new, demo, article, read, maybe, {SPEC}", "allow or deny"),
    ("p, role:new, demo, article, read, allow, {}", "JSON"),
    ("p, role:new, demo, article, read, allow, {%22n%22:0%2C%22fields%22:%5B%5D%2C%22more%22:1}", "JSON"),
    (f"p, role:new, demo, article, read, allow, {SPEC.replace('*', 'nothing')}", "no such field"),
    (f"p, role:new, other, article, read, allow, {SPEC}", "rules of other"),
    (f"p, role:new, demo, article, read, allow, {SPEC.replace('*', 'caf%E9')}", "UTF-8"),
    (LINE + TWICE, "twice"),
    (LINE + "{%22not%22:" * 63 + "{}" + "}" * 64, "deeper than 64"),
    (LINE + "{%22not%22:" * 3000 + "{}" + "}" * 3001, "deeper than 64"),
    (LINE + "{%22not%22:" * 62 + "{}" + "}" * 63, "nests more than"),
    ("g, user:1, role:new, demo", "Memberships"),
    ("g, role:new, role:nobody, demo", "no such role"),
    ("g, role:editor, role:editor, demo", "contain itself"),
)


async def test_what_cannot_be_read_stops_the_whole_file(site: Site) -> None:
    """Nothing is passed over, and nothing is written."""
    good = f"p, role:first, demo, article, read, allow, {SPEC}\n"
    for line, words in BAD:
        with pytest.raises(InvalidInput) as refused:
            await import_policies(site.core, as_system("test"), site.space, f"# roles\n\n{good}{line}\n")
        assert words in f"{refused.value} {refused.value.errors[0].message}"
        assert refused.value.errors[0].pointer == "/4"
        assert (await site.get("/api/spaces/demo/roles/first", headers=site.admin)).status_code == 404


async def test_what_is_wrong_with_a_role_is_told_with_its_line(site: Site) -> None:
    """And with the role's name; so is what is wrong with a role as a whole, at its first line."""
    spec, worse = SPEC, SPEC.replace("*", "nothing")
    lines = [
        f"p, role:first, demo, article, read, allow, {spec}",
        "",
        "g, role:second, role:first, demo",
        f"p, role:second, demo, article, read, allow, {spec}",
        f"p, role:second, demo, article, update, allow, {spec}",
        f"p, role:second, demo, article, juggle, allow, {spec}",
        f"p, role:second, demo, article, read, deny, {worse}",
        "g, role:second, role:nobody, demo",
    ]
    with pytest.raises(InvalidInput, match="Role second") as refused:
        await import_policies(site.core, as_system("test"), site.space, "\n".join(lines))
    told = [(each.pointer, each.code) for each in refused.value.errors]
    assert sorted(told) == [("/6", "unknown_action"), ("/7", "unknown_field"), ("/8", "unknown_role")]
    with pytest.raises(InvalidInput, match=r"Role a/b") as refused:
        await import_policies(site.core, as_system("test"), site.space, f"#\n{lines[0].replace('first', 'a/b')}")
    assert [each.pointer for each in refused.value.errors] == ["/2"]
    text = lines[0].replace("first", "administrator")
    with pytest.raises(Conflict, match="Role administrator"):
        await import_policies(site.core, as_system("test"), site.space, text)


def test_a_long_chain_of_roles_is_written_from_its_end() -> None:
    """Each role comes after those that it contains, however many they are; a circle ends."""
    chain = {f"r{number:05}": (f"r{number + 1:05}",) for number in range(3000)}
    assert roles_in_order(RuleSet(inherits=chain)) == sorted(chain, reverse=True)
    several = {"a": ("c", "b"), "b": ("d",), "c": ("d",), "d": ("e",), "f": ("a",)}
    assert roles_in_order(RuleSet(inherits=several)) == ["d", "c", "b", "a", "f"]
    assert sorted(roles_in_order(RuleSet(inherits={"a": ("b",), "b": ("a", "b")}))) == ["a", "b"]


async def test_many_roles_are_written_without_reading_all_for_each(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file costs grows with its lines: the space's roles are read once, and each sees those before it."""
    lines = [f"p, role:r{number}, demo, article, read, allow, {SIMPLE}" for number in range(30)]
    lines += [f"g, role:r{number}, role:r{number - 1}, demo" for number in range(1, 30)]
    loads: list[int] = []
    load = Roles.load

    async def counting(self: Roles, space_key: int, brought: Any = ()) -> SpaceRoles:
        loads.append(space_key)
        return await load(self, space_key, brought)

    monkeypatch.setattr(Roles, "load", counting)
    changed = await import_policies(site.core, as_system("a test"), site.space, "\n".join([*lines, ""]))
    assert changed == [f"r{number}" for number in range(30)]
    assert loads == [site.space.key]
    cycle = [f"p, role:r0, demo, article, read, allow, {SIMPLE}", "g, role:r0, role:r29, demo", ""]
    with pytest.raises(InvalidInput) as refused:
        await import_policies(site.core, as_system("a test"), site.space, "\n".join(cycle))
    assert "r29" in refused.value.detail
