"""The instance in the working directory: its settings, its database, its services."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

from maydan.settings import FILE_NAME, Settings, load


def installed_plugins() -> list[str]:
    """Return the names of the installed plugins; nothing of them is imported."""
    return sorted({each.name for each in entry_points(group="maydan.plugins")})


def load_settings() -> Settings:
    """Read ``maydan.toml`` here and the environment; what looks like a mistyped variable is a line on stderr."""
    settings = load(Path(FILE_NAME), os.environ, plugins=installed_plugins())
    for warning in settings.warnings:
        print(f"maydan: warning: {warning}", file=sys.stderr)
    return settings
