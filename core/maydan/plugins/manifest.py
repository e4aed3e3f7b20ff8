"""What the host must know of a plugin before it imports anything: ``manifest.toml`` in its package, flat keys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from maydan.plugins.versions import Requirement, check_specifier, check_version

FILE_NAME: Final = "manifest.toml"
MAX_BYTES: Final = 64 * 1024
Mount = Literal["space", "instance", "me", "root"]

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAX_NAME: Final = 30
RESERVED: Final = frozenset({
    "access", "analytics", "api", "assets", "audit", "auth", "bulk", "changes", "comments", "content", "core",
    "database", "dead_letters", "docs", "events", "health", "http", "invitations", "jobs", "log", "mail", "maydan",
    "me", "media", "members", "metrics", "openapi", "plugins", "releases", "roles", "search", "server", "spaces",
    "storage", "tokens", "trending", "types", "users", "webhooks",
})  # fmt: skip
"""Names of tables in ``maydan.toml``, of table prefixes and of paths that are the core's."""

_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PERMISSION: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62}){0,2}")
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{1,30}_")
_SETTINGS: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugin as it describes itself."""

    name: str
    """Lower-case letters, digits and underscores; names its types, permissions, tables and paths."""
    version: str
    hook_api: str
    """The versions of the hooks that it works with, such as ``>=1,<2``."""
    requires: tuple[str, ...] = ()
    """Other plugins that must be loaded before it, such as ``commerce>=1``."""
    content_types: tuple[str, ...] = ()
    """The content types that it brings, each ``<name>.<type>``."""
    permissions: tuple[str, ...] = ()
    """Actions that it adds for its routes, each ``<name>.<action>``."""
    on_failure: Literal["closed", "open"] = "closed"
    """Whether writes are refused (``closed``) while it is isolated and cannot check them."""
    settings: str | None = None
    """Where its settings struct is: ``maydan_x.settings:Settings``; imported with the plugin."""
    table_prefix: str = ""
    """With which its tables begin; ``<name>_`` when absent."""
    mounts: tuple[Mount, ...] = ("space",)
    """Where its routes may lie: ``space`` (``/api/spaces/{space}/<name>``), ``instance`` (``/api/<name>``), ``me``
    (``/api/me``), ``root`` (``/``)."""

    @property
    def prefix(self) -> str:
        """With which its tables begin."""
        return self.table_prefix or f"{self.name}_"

    @property
    def required(self) -> tuple[Requirement, ...]:
        """The plugins that must be loaded before it."""
        return tuple(Requirement.parse(text) for text in self.requires)


class BadManifest(Exception):
    """A manifest cannot be used; ``problems`` has one line for each thing that is wrong."""

    def __init__(self, *problems: str) -> None:
        """Keep the problems."""
        super().__init__("; ".join(problems))
        self.problems = problems


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        BadManifest: It is missing, unreadable or not acceptable.
    """
    try:
        if not path.is_file():
            raise BadManifest(f"{FILE_NAME} is missing from {path.parent.name}")
        raw = path.read_bytes()
    except OSError as error:
        raise BadManifest(f"{FILE_NAME} cannot be read: {(error.strerror or 'unknown').lower()}") from error
    if len(raw) > MAX_BYTES:
        raise BadManifest(f"{FILE_NAME} is larger than {MAX_BYTES // 1024} KB")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadManifest(f"{FILE_NAME} is not TOML: {error}") from error
    return check_manifest(table)


def check_manifest(table: dict[str, Any]) -> Manifest:
    """Turn a table into a manifest.

    Raises:
        BadManifest: With one line for each problem.
    """
    known = {field.name for field in msgspec.structs.fields(Manifest)}
    unknown = [f"{FILE_NAME}: unknown key {key!r}" for key in table if key not in known]
    if unknown:
        raise BadManifest(*unknown)
    try:
        manifest = msgspec.convert(table, Manifest)
    except msgspec.ValidationError as error:
        raise BadManifest(f"{FILE_NAME}: {_in_words(error)}") from error
    problems = [f"{FILE_NAME}: {problem}" for problem in _problems(manifest)]
    if problems:
        raise BadManifest(*problems)
    return manifest


def _in_words(error: msgspec.ValidationError) -> str:
    """Turn ``Expected `str`, got `int` - at `$.name``` into what a person looks for."""
    text, _, place = str(error).partition(" - at `$.")
    text = text.replace("Object missing required field", "missing key")
    return f"{place.rstrip('`')}: {text}" if place else text


def _problems(manifest: Manifest) -> Iterator[str]:
    name = manifest.name
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        yield f"name: {name!r} must be at most {MAX_NAME} lower-case letters, digits and single underscores"
        return
    if name in RESERVED:
        yield f"name: {name!r} is the core's own"
    yield from _said_by("version", check_version, manifest.version)
    yield from _said_by("hook_api", check_specifier, manifest.hook_api)
    for text in manifest.requires:
        yield from _said_by("requires", Requirement.parse, text)
    yield from _owned("content_types", manifest.content_types, name, _TYPE)
    yield from _owned("permissions", manifest.permissions, name, _PERMISSION)
    if manifest.settings is not None and not _SETTINGS.fullmatch(manifest.settings):
        yield f"settings: {manifest.settings!r} is not of the form 'package.module:Class'"
    if manifest.table_prefix:
        yield from _prefix_problems(manifest.table_prefix)


def _said_by(key: str, check: Callable[[str], object], text: str) -> Iterator[str]:
    try:
        check(text)
    except ValueError as error:
        yield f"{key}: {error}"


def _owned(key: str, names: tuple[str, ...], owner: str, rest: re.Pattern[str]) -> Iterator[str]:
    for name in names:
        if not name.startswith(f"{owner}.") or not rest.fullmatch(name.removeprefix(f"{owner}.")):
            yield f"{key}: {name!r} must be '{owner}.' and a name in lower-case letters"
    if len(set(names)) < len(names):
        yield f"{key}: a name is given twice"


def _prefix_problems(prefix: str) -> Iterator[str]:
    if not _PREFIX.fullmatch(prefix):
        yield f"table_prefix: {prefix!r} must be lower-case letters, digits and underscores, with one at the end"
    elif prefix.startswith(("maydan_", "sqlite_", "pg_")):
        yield f"table_prefix: {prefix!r} begins as tables of the core or of the database do"
