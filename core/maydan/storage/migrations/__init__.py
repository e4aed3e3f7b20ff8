"""Migrations: how tables come to be what the code expects, once, whoever starts first and whatever is interrupted.

A ``Migration`` belongs to an app (the core, or one plugin) and has steps. ``maydan migrate`` and the tests call
``apply``; ``maydan serve`` asks ``pending`` and refuses to start when it is not empty.
"""

from __future__ import annotations

from maydan.storage.migrations.runner import apply, pending, plan
from maydan.storage.migrations.steps import Migration, PlannedStep, Step

__all__ = ["Migration", "PlannedStep", "Step", "apply", "pending", "plan"]
