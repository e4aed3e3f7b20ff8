"""``maydan.toml`` as a file: written once by ``init``, and changed in place by ``plugins enable`` and ``disable``."""

from __future__ import annotations

import json
import os
from collections.abc import MutableSequence, Sequence
from pathlib import Path
from typing import Final, cast

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Table

from maydan.errors import ConfigurationError

_TEMPLATE: Final = """\
# Settings of this Maydan instance; docs/settings.md describes every key.
# A variable in the environment overrides each of them: [database] url is MAYDAN_DATABASE_URL.

[database]
# sqlite:///relative.db, sqlite:////absolute.db, or postgresql://user:password@host/name
url = {url}

[server]
# Where the outside reaches this instance; used in mail and QR codes, never taken from a request.
base_url = {base_url}
# Origins whose scripts may call the API, such as ["https://shop.example"].
cors_origins = []
# Proxies whose X-Forwarded-For is believed, such as ["127.0.0.1"].
trusted_proxies = []

[auth]
# When false, every account counts as verified.
require_verification = true

[mail]
# Without url, mail is not sent but noted in the log.
# url = "smtp://localhost:25"
# from = "Maydan <maydan@example.org>"

[plugins]
# Installed plugins that this instance loads; each space switches on those that it wants.
enabled = {enabled}
"""


def compose(*, url: str, enabled: Sequence[str], base_url: str = "http://127.0.0.1:8000") -> str:
    """Return the text of a new ``maydan.toml``, with comments."""
    # JSON's strings and lists of strings are TOML's as well.
    names = json.dumps(list(enabled), ensure_ascii=False)
    return _TEMPLATE.format(url=json.dumps(url, ensure_ascii=False), base_url=json.dumps(base_url), enabled=names)


def write_new(path: Path, text: str) -> bool:
    """Write the file, readable by its owner alone, unless there is one; tell whether it was written."""
    try:
        # The URL may hold a password: the mode is set when the file is made, not after.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def change_enabled(path: Path, plugin: str, *, enabled: bool) -> bool:
    """Add the plugin to ``[plugins] enabled``, or take it out; all else in the file stays as it is.

    Returns:
        Whether the file was changed.
    Raises:
        ConfigurationError: There is no file, or it cannot be understood.
    """
    document = _parse(path)
    names = _enabled(document, path)
    if (plugin in names) is enabled:
        return False
    if enabled:
        names.append(plugin)
    else:
        names.remove(plugin)
    _replace(path, tomlkit.dumps(document))
    return True


def _parse(path: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such file; `maydan init` writes one") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error


def _enabled(document: TOMLDocument, path: Path) -> MutableSequence[str]:
    table = document.setdefault("plugins", tomlkit.table())
    names = table.setdefault("enabled", tomlkit.array()) if isinstance(table, Table) else None
    if not isinstance(names, Array):
        raise ConfigurationError(f"{path}: [plugins] enabled: expected a list of names")
    return cast("MutableSequence[str]", names)


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename, so that a crash leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    write_new(beside, text)
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)
