"""The condition tree until ``content.query`` has it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Compare(Struct, frozen=True):
    path: tuple[str, ...]
    op: str
    value: Any


class Not(Struct, frozen=True):
    condition: Condition


class And(Struct, frozen=True):
    conditions: tuple[Condition, ...]


class Or(Struct, frozen=True):
    conditions: tuple[Condition, ...]


Condition = Compare | Not | And | Or
