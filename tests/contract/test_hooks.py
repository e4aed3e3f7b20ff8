"""``hookspecs.py``, its documentation and its typed door say the same, and nothing in them is only promised."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import pytest

import maydan.plugin
from maydan import hookspecs
from maydan.access.actors import Actor
from maydan.access.policies import policy_of
from maydan.access.snapshot import compile_snapshot
from maydan.cli.new_plugin import write_plugin
from maydan.hookspecs import hookimpl
from maydan.plugins.builtin import BUILT_IN
from maydan.plugins.discovery import FoundPlugin, find_plugins
from maydan.plugins.guard import Guard
from maydan.plugins.hooks import Hooks
from maydan.plugins.host import PluginHost
from maydan.plugins.implementations import hook_arguments, implementations_of
from maydan.plugins.kinds import HookKind, kind_of
from maydan.plugins.manifest import check_manifest
from maydan.plugins.settings import PluginSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = hook_arguments()
WITHOUT_A_PLUGIN = {
    # No plugin of ours has tables of its own yet; docs/hooks.md shows one, and the test of that example loads it.
    "register_migrations",
    # So it keeps nothing about people beside entries and comments, which the core erases.
    "collect_erasures",
    # The blog's events are the core's; those of orders come with the plugin that has orders.
    "register_event_types",
    # Nor has the blog anything to do later or states to guard: carts that end and orders that are accepted do.
    "register_jobs",
    "check_entry_transition",
}


def signatures() -> Mapping[str, str]:
    """Every specification as it is written in the file."""
    tree = ast.parse((ROOT / "hookspecs.py").read_text(encoding="utf-8"))
    return {
        node.name: f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}def {node.name}"
        f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else ''}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def documented() -> Mapping[str, str]:
    """Every heading of a hook, with what follows it."""
    parts = re.split(r"^### (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_file_holds_specifications_and_nothing_else() -> None:
    """Every function in it is a hook."""
    assert sorted(signatures()) == sorted(HOOKS)


def test_every_hook_has_its_heading_and_no_heading_is_a_ghost() -> None:
    """With the exact arguments, in the order of the file."""
    assert list(documented()) == [f"{name}({', '.join(arguments)})" for name, arguments in HOOKS.items()]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_documented_signature_is_the_one_of_the_file(hook: str) -> None:
    """Types and all."""
    heading = f"{hook}({', '.join(HOOKS[hook])})"
    assert f"```python\n{signatures()[hook]}\n```" in documented()[heading]
    assert f"- **Kind**: {kind_of(hook).value}." in documented()[heading]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_docstring_closes_with_when_and_if_it_fails(hook: str) -> None:
    """In this order, at the end, so that everybody finds them; the page repeats them word by word."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    match = re.fullmatch(r".+\nWhen: (?P<when>.+)\nIf it fails: (?P<fails>.+)", text, re.DOTALL)
    assert match is not None
    shown = documented()[f"{hook}({', '.join(HOOKS[hook])})"]
    for name, words in (("When", match["when"]), ("If it fails", match["fails"])):
        assert f"- **{name}**: {' '.join(words.split()).replace('``', '`')}\n" in shown


def test_the_grammar_tells_the_kind() -> None:
    """Setup and provide hooks are plain functions, all others are async; only they have no space to be active in."""
    for hook, arguments in HOOKS.items():
        at_start = kind_of(hook) in (HookKind.SETUP, HookKind.PROVIDE)
        assert inspect.iscoroutinefunction(getattr(hookspecs, hook)) is not at_start
        in_a_space = kind_of(hook) in (HookKind.VETO, HookKind.TRANSFORM, HookKind.OBSERVE)
        assert (arguments[:1] == ("space",)) is in_a_space


def test_every_hook_that_somebody_waits_for_has_one_typed_method() -> None:
    """With the arguments of the specification; setup hooks are called by the host, those that observe from the log."""
    others = (HookKind.SETUP, HookKind.OBSERVE)
    methods = {
        name: tuple(inspect.signature(method).parameters)[1:]
        for name, method in vars(Hooks).items()
        if not name.startswith("_") and name not in ("none", "listens")
    }
    assert methods == {name: arguments for name, arguments in HOOKS.items() if kind_of(name) not in others}


def test_every_hook_is_used_by_a_real_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one of ours, of the core's own, or the one that ``maydan new-plugin`` writes."""
    monkeypatch.syspath_prepend(write_plugin("sample", tmp_path))
    ours = [found for found in find_plugins() if found.source.startswith("maydan-")]
    targets = {found.name: found.load() for found in (*BUILT_IN, *ours)}
    targets["sample"] = import_module("maydan_sample.plugin")
    used = {hook for name, target in targets.items() for hook in implementations_of(Guard(), name, target)}
    assert sorted(HOOKS.keys() - used) == sorted(WITHOUT_A_PLUGIN)


def test_the_examples_of_the_page_are_a_plugin_that_loads() -> None:
    """They can be copied as they stand, with what they use imported from the one door."""

    class Ticket(maydan.plugin.Entry, name="tickets.ticket", slug_from="title"):
        title: str
        seat: Annotated[str | None, maydan.plugin.options(unique=True)] = None

    class PostMailer:
        def __init__(self, sender: str) -> None:
            self.sender = sender

    names: dict[str, Any] = {name: getattr(maydan.plugin, name) for name in maydan.plugin.__all__}
    names |= {"Ticket": Ticket, "PostMailer": PostMailer, "_LOG": None, "hookimpl": hookimpl}
    examples = re.findall(r"```python\n((?:@route|@hookimpl).+?)```", PAGE, re.DOTALL)
    for example in examples:
        exec(compile(f"from __future__ import annotations\n{example}", "docs/hooks.md", "exec"), names)  # noqa: S102
    keys = {
        "name": "tickets", "version": "1", "hook_api": ">=1",
        "content_types": ["tickets.ticket"], "permissions": ["tickets.scan"],
    }  # fmt: skip
    target = type("Examples", (), {name: staticmethod(names[name]) for name in HOOKS if name in names})
    found = FoundPlugin(name="tickets", manifest=check_manifest(keys), load=lambda: target)
    host = PluginHost.load(PluginSettings(enabled=("tickets",), strict=True), found=[found])
    assert len(host.state("tickets").hooks) == len(examples)
    (scanner,) = host.registered()["tickets"].roles
    policies = [policy_of(scanner.name, policy) for policy in scanner.policies]
    scans = Actor(kind="account", id="ann", roles={1: frozenset({scanner.name})})
    assert compile_snapshot(1, policies, {scanner.name: scanner.inherits}).allows(scans, "tickets.scan")
