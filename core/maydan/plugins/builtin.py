"""The core's own plugins: behaviour of ours that goes through the same door as everybody's, active in every space.

None implements a veto: a veto in every space would cost every write a transaction with two more round trips.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

import maydan
from maydan.plugins.discovery import FoundPlugin
from maydan.plugins.manifest import Manifest


def _built_in(name: str) -> FoundPlugin:
    manifest = Manifest(name=name, version=maydan.__version__, hook_api=">=1,<2", mounts=())
    return FoundPlugin(name=name, manifest=manifest, source="maydan", load=_loader(name), built_in=True)


def _loader(name: str) -> Callable[[], object]:
    return lambda: import_module(f"maydan.plugins.builtin_{name}")


BUILT_IN: Final = (_built_in("activity"), _built_in("smtp"))
