"""``maydan.plugin`` is what plugins build on: it changes only on purpose, and with its version."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msgspec import Struct

import maydan.plugin
from maydan.plugins.versions import HOOK_API

SNAPSHOT = Path(__file__).parent / "hooks_facade.txt"


def shape_of(name: str, value: Any) -> list[str]:
    """What a plugin can rely on of one name, a line each."""
    if isinstance(value, ModuleType):
        return [line for inner in sorted(value.__all__) for line in shape_of(f"{name}.{inner}", getattr(value, inner))]
    if isinstance(value, type) and issubclass(value, Struct):
        fields = value.__struct_fields__
        required = len(fields) - len(value.__struct_defaults__)
        listed = [field if index < required else f"{field}=" for index, field in enumerate(fields)]
        methods = [line for line in members_of(name, value) if "(" in line]
        return [f"{name}({', '.join(listed)})", *methods]
    if isinstance(value, type):
        return [name, *members_of(name, value)]
    if inspect.isroutine(value) or inspect.isfunction(value):
        return [f"{name}{inspect.signature(value)}"]
    return [name]


def members_of(name: str, value: type) -> list[str]:
    """The public methods and attributes of a class."""
    lines: list[str] = []
    for member, what in sorted(vars(value).items()):
        if member.startswith("_"):
            continue
        called = getattr(value, member)
        is_method = callable(called) and not isinstance(what, type)
        lines.append(f"{name}.{member}{inspect.signature(called) if is_method else ''}")
    return lines


def shape() -> str:
    """The whole facade as text."""
    lines = [line for name in maydan.plugin.__all__ for line in shape_of(name, getattr(maydan.plugin, name))]
    return "\n".join([f"HOOK_API {HOOK_API}", *lines]) + "\n"


def test_the_facade_is_as_it_was() -> None:
    """Whoever changes it changes the snapshot, and HOOK_API: the second number for additions, the first for breaks."""
    if os.environ.get("MAYDAN_TEST_SNAPSHOTS") == "write":
        SNAPSHOT.write_text(shape(), encoding="utf-8")
    assert shape() == SNAPSHOT.read_text(encoding="utf-8"), "when it is meant: MAYDAN_TEST_SNAPSHOTS=write pytest …"


def test_the_facade_names_what_it_offers_in_order() -> None:
    """No more and no less: constants, then classes, then functions."""
    offered = {name for name in vars(maydan.plugin) if name.isidentifier() and name[0] != "_" and name != "annotations"}
    assert set(maydan.plugin.__all__) == offered
    in_order = sorted(maydan.plugin.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    assert maydan.plugin.__all__ == in_order


CLASSES = [name for name in maydan.plugin.__all__ if isinstance(getattr(maydan.plugin, name), type)]


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_the_facade_says_what_it_is(name: str) -> None:
    """Plugin authors read docstrings before they read us."""
    assert inspect.getdoc(getattr(maydan.plugin, name))
