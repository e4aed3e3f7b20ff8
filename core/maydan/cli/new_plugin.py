"""``maydan new-plugin``: writes the package of a plugin that installs and passes its own tests as it is."""

from __future__ import annotations

import argparse
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from maydan import __version__
from maydan.cli.failures import CommandFailed
from maydan.plugins.discovery import find_plugins
from maydan.plugins.manifest import MAX_NAME, NAME, RESERVED

_SUFFIX: Final = ".tmpl"
"""Templates are no Python yet, and checkers must not take them for it."""


def run(arguments: argparse.Namespace) -> int:
    """Write ``./maydan-NAME/`` and say what to do with it."""
    folder = write_plugin(str(arguments.name), Path.cwd())
    print(f"Wrote {folder.name}/.")
    print(f"Next: cd {folder.name} && pip install --editable . --group dev && pytest")
    return 0


def write_plugin(name: str, parent: Path) -> Path:
    """Write the package of a plugin.

    Args:
        name: As the plugin shall be called; hyphens become underscores where Python and the database need them.
        parent: Gets the folder ``maydan-<name>``.

    Raises:
        CommandFailed: The name cannot be used, or the folder exists.
    """
    plain = name.replace("-", "_")
    if not NAME.fullmatch(plain) or len(plain) > MAX_NAME:
        raise CommandFailed(f"{name!r} must be at most {MAX_NAME} lower-case letters, digits and single hyphens")
    if plain in RESERVED:
        raise CommandFailed(f"{name!r} is the core's own; choose another name")
    if any(found.name == plain for found in find_plugins()):
        raise CommandFailed(f"a plugin called {plain} is installed; choose another name")
    folder = parent / f"maydan-{name}"
    if folder.exists():
        raise CommandFailed(f"{folder.name} exists; move it away or choose another name")
    _write(files("maydan.cli") / "new_plugin_template", folder, _words(name, plain))
    return folder


def _words(name: str, plain: str) -> dict[str, str]:
    return {
        "name": plain,
        "package": f"maydan_{plain}",
        "path": plain.replace("_", "-"),
        "distribution": f"maydan-{name}",
        "title": plain.replace("_", " ").capitalize(),
        "maydan": ".".join(__version__.split(".")[:2]),
    }


def _write(source: Traversable, target: Path, words: dict[str, str]) -> None:
    """Copy a folder of templates, with the words in texts and in names."""
    target.mkdir()
    for each in source.iterdir():
        if each.is_dir():
            inner = words["package"] if each.name == "package" else each.name
            _write(each, target / inner, words)
        elif each.name.endswith(_SUFFIX):
            place = target / _filled(each.name.removesuffix(_SUFFIX), words)
            place.write_text(_filled(each.read_text(encoding="utf-8"), words), encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return text
