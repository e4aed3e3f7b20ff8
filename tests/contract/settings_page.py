"""Writes the tables of docs/settings.md from the structs; ``make docs`` runs it."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo

from maydan._settings_reading import variable_name
from maydan.settings import CORE_TABLES

PAGE: Final = Path(__file__).parents[2] / "docs/settings.md"
BEGIN: Final = "<!-- From here on written by `make docs`. -->\n"


def render() -> str:
    """Return the part of the page that follows from the code."""
    return BEGIN + "".join(_section(table, struct) for table, struct in CORE_TABLES.items())


def explanations(struct: type[Struct]) -> dict[str, str]:
    """Return what stands under each field of a struct, on one line."""
    tree = ast.parse(inspect.getsource(struct))
    (definition,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def _section(table: str, struct: type[Struct]) -> str:
    texts = explanations(struct)
    rows = [_row(table, field, texts.get(field.name, "")) for field in msgspec.structs.fields(struct)]
    return f"\n## [{table}]\n\n| key | default | meaning | variable |\n| --- | --- | --- | --- |\n" + "".join(rows)


def _row(table: str, field: FieldInfo, text: str) -> str:
    default = "required" if _default(field) is NODEFAULT else f"`{_toml(_default(field))}`"
    variable = variable_name(table, field.encode_name)
    return f"| `{field.encode_name}` | {default} | {_markdown(text)} | `{variable}` |\n"


def _default(field: FieldInfo) -> Any:
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


def _toml(value: object) -> str:
    if value is None:
        return "–"
    if value == {}:
        return "{}"
    return json.dumps(value, ensure_ascii=False)


def _markdown(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().partition(BEGIN)[0] + render())
