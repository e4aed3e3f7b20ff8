"""What is remembered of plugins across restarts: who was isolated, and what an operator decided."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_STATES: Final = """
CREATE TABLE IF NOT EXISTS maydan_plugin_states (
    name {text} PRIMARY KEY,
    pinned {bool} NOT NULL,
    isolated_what {text} NOT NULL,
    isolated_reason {text} NOT NULL,
    isolated_at {time}
)
"""

MIGRATION: Final = Migration(
    app="core",
    name="0001_plugins",
    steps=(Step(name="maydan_plugin_states", sql=_STATES),),
)
