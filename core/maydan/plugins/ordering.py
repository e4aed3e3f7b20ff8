"""Decides which of the plugins that were found are loaded, and in which order; what is wrong is written on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.loaded import LoadedPlugin, State
from maydan.plugins.manifest import Manifest
from maydan.plugins.versions import HOOK_API, matches


def sort_out(
    found: Sequence[FoundPlugin], enabled: Collection[str], hook_api: str = HOOK_API
) -> tuple[tuple[LoadedPlugin, FoundPlugin | None], ...]:
    """Return every plugin with where it comes from, requirements first, then by name.

    Those that cannot be loaded are there too, with their state and reason; of a name that is taken twice none is
    loaded, and one that is enabled but not installed comes without an origin.
    """
    taken = {each.name for each in found}
    pairs = [_judge(each, found, enabled, hook_api) for each in found]
    missing = [name for name in enabled if name not in taken]
    by_name: dict[str, tuple[LoadedPlugin, FoundPlugin | None]] = {pair[0].name: pair for pair in pairs}
    for name in missing:
        plugin = LoadedPlugin(_unknown(name), enabled=True)
        plugin.stop(State.FAILED, "it is enabled, but not installed")
        by_name[name] = (plugin, None)
    _refuse_shared_prefixes([plugin for plugin, _ in by_name.values()])
    ordered = _in_order({name: pair[0] for name, pair in by_name.items()})
    return tuple(by_name[name] for name in ordered)


def check_requirements(plugin: LoadedPlugin, others: Mapping[str, LoadedPlugin]) -> str | None:
    """Return why a plugin cannot be loaded after those before it were, or ``None``."""
    for requirement in plugin.manifest.required:
        other = others.get(requirement.name)
        if other is None:
            return f"requires {requirement.name}, which is not installed"
        if other.state is State.DISABLED:
            return f"requires {requirement.name}, which is not enabled"
        if other.state not in (State.ACTIVE, State.ISOLATED):
            return f"requires {requirement.name}, which {_how(other.state)}: {other.reason}"
        if not requirement.accepts(other.manifest.version):
            return f"requires {requirement.name}{requirement.versions}, and {other.manifest.version} is installed"
    return None


def _how(state: State) -> str:
    return "is incompatible" if state is State.INCOMPATIBLE else "failed"


def _judge(
    found: FoundPlugin, every: Sequence[FoundPlugin], enabled: Collection[str], hook_api: str
) -> tuple[LoadedPlugin, FoundPlugin]:
    manifest = found.manifest or _unknown(found.name)
    plugin = LoadedPlugin(manifest, enabled=found.built_in or found.name in enabled)
    plugin.always_active = found.built_in
    sharing = sorted(each.source for each in every if each.name == found.name)
    if len(sharing) > 1:
        sources = ", ".join(sharing)
        plugin.stop(State.FAILED, f"the name is taken more than once, by {sources}; none of them is loaded")
    elif found.problems:
        plugin.stop(State.FAILED, "; ".join(found.problems))
    elif not matches(manifest.hook_api, hook_api):
        plugin.stop(State.INCOMPATIBLE, f"it wants hook API {manifest.hook_api}, and this is {hook_api}")
    return plugin, found


def _unknown(name: str) -> Manifest:
    return Manifest(name=name, version="", hook_api="")


def _refuse_shared_prefixes(plugins: Sequence[LoadedPlugin]) -> None:
    """Fail each plugin that asks for the table prefix of another: it would reach the other's tables.

    Where one has it by its name and the other asked for it, only the one that asked fails.
    """
    owners: dict[str, list[LoadedPlugin]] = defaultdict(list)
    for plugin in plugins:
        if plugin.state in (State.ACTIVE, State.DISABLED):
            owners[plugin.manifest.prefix].append(plugin)
    for prefix, sharing in owners.items():
        for plugin in sharing:
            if len(sharing) > 1 and plugin.manifest.table_prefix and plugin.state is State.ACTIVE:
                others = ", ".join(sorted(other.name for other in sharing if other is not plugin))
                plugin.stop(State.FAILED, f"its table_prefix {prefix!r} is that of {others}")


def _in_order(plugins: Mapping[str, LoadedPlugin]) -> Iterator[str]:
    """Yield names so that requirements come first, else by name; fail those that require themselves."""
    done: set[str] = set()
    waiting = sorted(plugins)
    while waiting:
        name = next((each for each in waiting if _ready(plugins[each], done, plugins)), None)
        if name is None:
            yield from _fail_circles(waiting, plugins)
            return
        waiting.remove(name)
        done.add(name)
        yield name


def _ready(plugin: LoadedPlugin, done: Collection[str], plugins: Mapping[str, LoadedPlugin]) -> bool:
    return all(each.name in done or each.name not in plugins for each in plugin.manifest.required)


def _fail_circles(waiting: Sequence[str], plugins: Mapping[str, LoadedPlugin]) -> Iterator[str]:
    circles = [name for name in waiting if _circle(name, plugins)]
    for name in circles:
        if plugins[name].state is State.ACTIVE:
            plugins[name].stop(State.FAILED, f"requires itself: {' → '.join(_circle(name, plugins))}")
    yield from circles
    rest = {name: plugins[name] for name in waiting if name not in circles}
    yield from _in_order(rest)


def _circle(start: str, plugins: Mapping[str, LoadedPlugin]) -> tuple[str, ...]:
    """Return the way from a plugin back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for requirement in plugins[way[-1]].manifest.required:
            if requirement.name == start:
                return (*way, start)
            if requirement.name in plugins and requirement.name not in seen:
                seen.add(requirement.name)
                ways.append((*way, requirement.name))
    return ()
