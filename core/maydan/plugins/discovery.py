"""Finds installed plugins without importing them: entry points of the group ``maydan.plugins``, and their manifests."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Final

from msgspec import Struct

from maydan.plugins.manifest import FILE_NAME, BadManifest, Manifest, read_manifest

GROUP: Final = "maydan.plugins"


class FoundPlugin(Struct, frozen=True, kw_only=True):
    """A plugin that is installed; nothing of it has been imported."""

    name: str
    """From the manifest; where that cannot be read, from the entry point."""
    manifest: Manifest | None
    problems: tuple[str, ...] = ()
    """Why the manifest cannot be used."""
    source: str = ""
    """What brought it, such as the distribution ``maydan-blog``."""
    load: Callable[[], object]
    """Imports what has the hook implementations; runs the plugin's code."""
    built_in: bool = False
    folder: Path | None = None
    """Where its manifest lies, and beside it ``locale`` with its catalogues."""


def find_plugins() -> tuple[FoundPlugin, ...]:
    """Return what is installed in this environment, by name; two of one name are both returned."""
    return tuple(sorted(map(_found, _entry_points()), key=lambda found: (found.name, found.source)))


def found_at(module: str, name: str, source: str) -> FoundPlugin:
    """Return the plugin whose hook implementations are in a module, such as ``maydan_blog.plugin``."""
    return _found((EntryPoint(name=name, value=module, group=GROUP), source))


def installed_names() -> tuple[str, ...]:
    """Return the names of the installed plugins, whose tables in ``maydan.toml`` are then no mistake."""
    return tuple(dict.fromkeys(found.name for found in find_plugins()))


def _entry_points() -> Iterator[tuple[EntryPoint, str]]:
    seen: set[str] = set()
    for distribution in distributions():
        text = distribution.read_text("entry_points.txt")
        if text is None or GROUP not in text:
            continue
        source = _name_of(distribution)
        # The first on the path is what Python imports; a second one of the same name is a stale copy behind it.
        if source in seen:
            continue
        seen.add(source)
        yield from ((entry, source) for entry in distribution.entry_points if entry.group == GROUP)


def _name_of(distribution: Distribution) -> str:
    name: str | None = distribution.metadata["Name"]
    return name or "unnamed"


def _found(origin: tuple[EntryPoint, str]) -> FoundPlugin:
    entry, source = origin
    try:
        path = _locate(entry.module)
        manifest = read_manifest(path)
    except BadManifest as error:
        return FoundPlugin(name=entry.name, manifest=None, problems=error.problems, source=source, load=entry.load)
    problems: tuple[str, ...] = ()
    if manifest.name != entry.name:
        problems = (f"the entry point is called {entry.name!r} and the manifest {manifest.name!r}",)
    return FoundPlugin(
        name=manifest.name,
        manifest=manifest,
        problems=problems,
        source=source,
        load=_loader(entry),
        folder=path.parent,
    )


def _loader(entry: EntryPoint) -> Callable[[], object]:
    def load() -> object:
        target: object = import_module(entry.module)
        for attribute in filter(None, (entry.attr or "").split(".")):
            target = getattr(target, attribute)
        return target

    return load


def _locate(module: str) -> Path:
    """Return where the manifest of a module's package is, whether installed or editable.

    ``find_spec`` of a top-level package asks the finders that an import would ask and imports nothing.
    """
    top, *inner = module.split(".")
    folders = _folders_of(top)
    packages = [*inner[:-1]]
    for depth in range(len(packages), -1, -1):
        for folder in folders:
            path = folder.joinpath(*packages[:depth], FILE_NAME)
            if path.is_file():
                return path
    if not folders:
        raise BadManifest(f"the package {top} cannot be found")
    return folders[0] / FILE_NAME


def _folders_of(package: str) -> Sequence[Path]:
    if package in sys.modules:
        return [Path(folder) for folder in getattr(sys.modules[package], "__path__", ())]
    try:
        spec = importlib.util.find_spec(package)
    except Exception as error:
        raise BadManifest(f"the package {package} cannot be found: {type(error).__name__}") from error
    if spec is None:
        return ()
    if spec.submodule_search_locations is None:
        raise BadManifest(f"{package} is a module, and a plugin must be a package")
    return [Path(folder) for folder in spec.submodule_search_locations]
