"""What the tests of the plugin host share: plugins made of a few functions, and a space in which they are active."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from maydan.access.actors import Actor, system
from maydan.content.spaces import Space
from maydan.hookspecs import hookimpl
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.host import HostOptions, PluginHost
from maydan.plugins.manifest import Manifest, check_manifest
from maydan.plugins.settings import PluginSettings
from maydan.plugins.views import EntryState

Make = Callable[..., FoundPlugin]
Load = Callable[..., PluginHost]


def make_manifest(name: str, **keys: Any) -> Manifest:
    """A manifest with what every one has."""
    return check_manifest({"name": name, "version": "1.0", "hook_api": ">=1,<2", **keys})


@pytest.fixture
def make() -> Make:
    """Make a plugin of functions named after hooks; ``manifest`` adds keys, ``load`` replaces its import."""

    def make(
        name: str, *, manifest: dict[str, Any] | None = None, load: Callable[[], object] | None = None, **hooks: Any
    ) -> FoundPlugin:
        target = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
        return FoundPlugin(
            name=name,
            manifest=make_manifest(name, **(manifest or {})),
            source=f"maydan-{name}",
            load=load or (lambda: target),
        )

    return make


@pytest.fixture
def load() -> Load:
    """Load plugins, all of them enabled."""

    def load(*found: FoundPlugin, strict: bool = False, **options: Any) -> PluginHost:
        enabled = tuple(dict.fromkeys(each.name for each in found))
        return PluginHost.load(
            PluginSettings(enabled=enabled, strict=strict), found=found, options=HostOptions(**options)
        )

    return load


@pytest.fixture
def space() -> Space:
    """A space in which the plugins ``a``, ``b`` and ``c`` are active."""
    return Space(key=1, name="demo", title="Demo", locales=("en",), default_locale="en", plugins=("a", "b", "c"))


@pytest.fixture
def entry() -> EntryState:
    """An entry that is about to be written."""
    return EntryState(id="1", type="article", space="demo", version=1, fields={}, slug={})


@pytest.fixture
def actor() -> Actor:
    """Whoever writes it."""
    return system("test")
