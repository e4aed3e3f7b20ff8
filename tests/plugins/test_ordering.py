"""Who is loaded, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import PluginHost
from maydan.plugins.loaded import State
from maydan.plugins.manifest import check_manifest
from maydan.plugins.ordering import sort_out

Make = Callable[..., FoundPlugin]
Load = Callable[..., PluginHost]


async def fine() -> None:
    """Refuse nothing."""


def needs(make: Make, name: str, *requires: str, **keys: Any) -> FoundPlugin:
    """A plugin that requires others."""
    return make(name, manifest={"requires": list(requires), **keys}, check_entry_create=fine)


def test_requirements_come_first_and_then_names(make: Make, load: Load) -> None:
    """The same on every machine, whatever order the disk has."""
    host = load(needs(make, "z"), needs(make, "b", "z"), needs(make, "a"), needs(make, "c", "b", "a"))
    assert host.loaded() == ("a", "z", "b", "c")


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("ghost", "requires ghost, which is not installed"),
        ("base>=2", "requires base>=2, and 1.0 is installed"),
        ("broken", "requires broken, which failed: import failed: ZeroDivisionError"),
    ],
)
def test_what_lacks_a_requirement_fails(make: Make, load: Load, requirement: str, said: str) -> None:
    """The reason says which, and why that is not there; what requires it in turn fails as well."""

    def broken() -> object:
        return 1 / 0

    host = load(
        needs(make, "base"), make("broken", load=broken), needs(make, "needy", requirement), needs(make, "top", "needy")
    )
    assert said in host.state("needy").reason
    assert "requires needy, which failed" in host.state("top").reason
    assert host.state("base").state is State.ACTIVE


def test_a_requirement_must_be_enabled(make: Make) -> None:
    """Installed is not enough."""
    plugins = sort_out([needs(make, "base"), needs(make, "needy", "base")], enabled=["needy"])
    states = {plugin.name: plugin for plugin, _ in plugins}
    assert states["base"].state is State.DISABLED


def test_a_circle_fails_all_in_it_and_nobody_else(make: Make, load: Load) -> None:
    """The reason shows the way round."""
    host = load(needs(make, "a", "b"), needs(make, "b", "a"), needs(make, "c", "a"), needs(make, "d"))
    assert host.state("a").reason == "requires itself: a → b → a"
    assert "requires a, which failed" in host.state("c").reason
    assert host.loaded() == ("d",)


def test_of_a_name_that_is_taken_twice_none_is_loaded(make: Make, load: Load) -> None:
    """Whichever was meant, loading the other one would be worse."""
    host = load(needs(make, "a"), needs(make, "a"), needs(make, "b"))
    assert "taken more than once, by maydan-a, maydan-a" in host.state("a").reason
    assert host.loaded() == ("b",)


def test_a_prefix_that_is_anothers_by_name_is_not_given_away(make: Make, load: Load) -> None:
    """Only the one that asked for it fails, also while the other is not enabled."""
    host = load(needs(make, "shop"), needs(make, "thief", table_prefix="shop_"))
    assert host.state("thief").reason == "its table_prefix 'shop_' is that of shop"
    assert host.loaded() == ("shop",)


names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.sets(names, max_size=3), min_size=1))
def test_every_plugin_has_its_place_after_what_it_requires(graph: dict[str, set[str]]) -> None:
    """Whatever they require, each is there once, and no plugin that can be loaded comes before its requirement."""
    found = [
        FoundPlugin(
            name=name,
            manifest=check_manifest({"name": name, "version": "1", "hook_api": ">=1", "requires": sorted(requires)}),
            load=object,
        )
        for name, requires in graph.items()
    ]
    plugins = [plugin for plugin, _ in sort_out(found, enabled=list(graph))]
    order = [plugin.name for plugin in plugins]
    assert sorted(order) == sorted(graph)
    for plugin in plugins:
        before = set(order[: order.index(plugin.name)])
        if plugin.state is State.ACTIVE:
            assert graph[plugin.name] & graph.keys() <= before
