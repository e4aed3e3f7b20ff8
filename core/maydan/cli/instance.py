"""The instance in the working directory: its settings. ``serve`` waits for this import, so it stays light."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from maydan.plugins.discovery import installed_names
from maydan.settings import FILE_NAME, Settings, load, variable_name


def load_settings() -> Settings:
    """Read ``maydan.toml`` here and the environment; what looks like a mistyped variable is a line on stderr."""
    settings = load(Path(FILE_NAME), os.environ, plugins=installed_names())
    for warning in settings.warnings:
        print(f"maydan: warning: {warning}", file=sys.stderr)
    return settings


def find_settings() -> Settings | None:
    """Return the settings, or ``None`` outside an instance: for commands that make sense before ``init``."""
    if not Path(FILE_NAME).exists() and variable_name("database", "url") not in os.environ:
        return None
    return load_settings()
