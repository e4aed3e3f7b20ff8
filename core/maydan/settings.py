"""The settings of a deployment: ``maydan.toml``, each key overridable by an environment variable, read once at start.

Each room describes its own table in its ``settings.py``; this module collects them. A plugin's table has the plugin's
name and is read when the plugin is loaded, with the struct that its manifest names.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import Struct, field

from maydan._settings_reading import Source, read_table, suggest, variable_name
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.content.settings import ContentSettings
from maydan.errors import ConfigurationError
from maydan.events.settings import CacheSettings, EventsSettings, JobsSettings, WebhooksSettings
from maydan.http.settings import LogSettings, ServerSettings, StreamsSettings
from maydan.plugins.settings import PluginSettings
from maydan.secret import masked_repr
from maydan.storage.settings import DatabaseSettings

__all__ = ["CORE_TABLES", "FILE_NAME", "Settings", "load", "read", "suggest", "variable_name"]

FILE_NAME: Final = "maydan.toml"
_PREFIX: Final = "MAYDAN_"
_NOT_SETTINGS: Final = ("MAYDAN_TEST_",)
"""Variables of the test suite, such as ``MAYDAN_TEST_MEILISEARCH_URL``."""
_LOG: Final = logging.getLogger("maydan.settings")

T = TypeVar("T", bound=Struct)


class Settings(Struct, frozen=True, kw_only=True):
    """All settings of a deployment, one struct per table."""

    database: DatabaseSettings
    server: ServerSettings
    log: LogSettings
    auth: AuthSettings
    mail: MailSettings
    content: ContentSettings
    events: EventsSettings
    jobs: JobsSettings
    streams: StreamsSettings
    webhooks: WebhooksSettings
    cache: CacheSettings
    plugins: PluginSettings
    plugin_sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Where the plugins' own tables come from, by plugin; nobody has checked them yet."""
    warnings: tuple[str, ...] = field(default=())
    """Variables that no setting has, one line each, for stderr."""

    def of_plugin(self, plugin: str, struct: type[T]) -> T:
        """Read a plugin's table with the plugin's own struct.

        Raises:
            ConfigurationError: As :func:`load`.
        """
        source = self.plugin_sources.get(plugin) or Source(table=plugin, values={}, variables={})
        known = {variable_name(plugin, each.encode_name) for each in msgspec.structs.fields(struct)}
        for variable in sorted(source.variables.keys() - known):
            _LOG.warning(_unknown_variable(variable, known))
        problems: list[str] = []
        table = read_table(struct, source, problems)
        if table is None:
            raise _refusal(problems)
        return table

    def __repr__(self) -> str:
        """Leave out the plugins' raw tables: what is secret in them only their structs know."""
        tables = ", ".join(f"{name}={masked_repr(getattr(self, name))}" for name in CORE_TABLES)
        return f"Settings({tables})"


CORE_TABLES: Final[Mapping[str, type[Struct]]] = {
    each.name: each.type for each in msgspec.structs.fields(Settings) if isinstance(each.type, type)
}
"""The core's tables by name."""


def load(path: Path, environ: Mapping[str, str], *, plugins: Collection[str] = ()) -> Settings:
    """Read ``maydan.toml`` and the variables that override it.

    Args:
        path: The file; where it is missing, the variables must say everything, as in a container.
        environ: The environment; only names that start with ``MAYDAN_`` count.
        plugins: Names of the installed plugins, whose tables are then no mistake.
    Raises:
        ConfigurationError: ``detail`` has one line for each problem; all problems are named at once.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if variable_name("database", "url") not in environ:
            detail = f"{path}: no such file; `maydan init` writes one (or set {variable_name('database', 'url')})"
            raise ConfigurationError(detail) from error
        tables = {}
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    return read(tables, environ, plugins=plugins, file=path.name)


def read(
    tables: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    *,
    plugins: Collection[str] = (),
    file: str = FILE_NAME,
) -> Settings:
    """Check tables that are already in memory; as :func:`load`, for tests and for the demo."""
    problems: list[str] = []
    names = _plugin_names(tables, plugins)
    variables, warnings = _sort_variables(environ or {}, names)
    sources: dict[str, Source] = {}
    for name in [*CORE_TABLES, *names]:
        values = _as_table(tables.get(name, {}))
        if values is None:
            problems.append(f"{file}: {name}: expected a table, [{name}]")
            continue
        sources[name] = Source(table=name, values=values, variables=variables.get(name, {}), file=file)
    known = [*CORE_TABLES, *names]
    problems += [f"{file}: [{name}]: unknown table{suggest(name, known)}" for name in tables if name not in known]
    done: dict[str, Any] = {
        name: read_table(struct, sources[name], problems) for name, struct in CORE_TABLES.items() if name in sources
    }
    if problems:
        raise _refusal(problems)
    return Settings(**done, plugin_sources={name: sources[name] for name in names}, warnings=warnings)


def _plugin_names(tables: Mapping[str, Any], installed: Collection[str]) -> list[str]:
    """Return the names whose tables are plugins': the installed ones, and those enabled here, installed or not."""
    enabled = (_as_table(tables.get("plugins")) or {}).get("enabled")
    wanted = cast("list[object]", enabled) if isinstance(enabled, list) else []
    names = dict.fromkeys([*installed, *(name for name in wanted if isinstance(name, str))])
    return [name for name in names if name not in CORE_TABLES]


def _as_table(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _sort_variables(
    environ: Mapping[str, str], plugins: Collection[str]
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Return the variables of each table, and a warning for each that belongs to none."""
    known = {
        variable_name(table, each.encode_name): table
        for table, struct in CORE_TABLES.items()
        for each in msgspec.structs.fields(struct)
    }
    by_table: dict[str, dict[str, str]] = {}
    warnings: list[str] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or variable.startswith(_NOT_SETTINGS):
            continue
        table = known.get(variable) or _plugin_of(variable, plugins)
        if table is None:
            warnings.append(_unknown_variable(variable, known))
        else:
            by_table.setdefault(table, {})[variable] = text
    return by_table, tuple(warnings)


def _plugin_of(variable: str, plugins: Collection[str]) -> str | None:
    """Return the plugin whose table the variable belongs to; the longest name that fits."""
    fitting = [name for name in plugins if variable.startswith(variable_name(name, ""))]
    return max(fitting, key=len, default=None)


def _unknown_variable(variable: str, known: Collection[str]) -> str:
    # Without the prefix, which every name shares and which would make any two of them look alike.
    hint = suggest(variable.removeprefix(_PREFIX), [name.removeprefix(_PREFIX) for name in known], _PREFIX)
    return f"{variable}: no setting has this name; ignored{hint}"


def _refusal(problems: list[str]) -> ConfigurationError:
    return ConfigurationError("\n".join(problems))
