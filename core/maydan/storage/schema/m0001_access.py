"""Accounts, sessions, tokens, members and roles; policies in Casbin's format; mail that waits to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maydan.access.casbin import ALL_SPACES, Rule, built_in_rules
from maydan.ids import new_id
from maydan.storage.migrations import Migration, Step

if TYPE_CHECKING:
    from maydan.storage.ports import Transaction

RULE_INSERT: Final = (
    "INSERT INTO maydan_casbin_rules (id, space_key, ptype, v0, v1, v2, v3, v4, v5) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""Stores one rule; see :func:`rule_values`."""

_RULES: Final = """
CREATE TABLE IF NOT EXISTS maydan_casbin_rules (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    ptype {text} NOT NULL,
    v0 {text} NOT NULL,
    v1 {text} NOT NULL,
    v2 {text} NOT NULL,
    v3 {text} NOT NULL,
    v4 {text} NOT NULL,
    v5 {text} NOT NULL
)
"""

_ROLES: Final = """
CREATE TABLE IF NOT EXISTS maydan_roles (
    space_key {bigint} NOT NULL,
    name {text} NOT NULL,
    version {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (space_key, name)
)
"""

_ACCOUNTS: Final = """
CREATE TABLE IF NOT EXISTS maydan_accounts (
    id {uuid} PRIMARY KEY,
    email {text} NOT NULL,
    email_key {text} NOT NULL,
    name {text} NOT NULL,
    locale {text} NOT NULL,
    password_hash {text} NOT NULL,
    verified_at {time},
    suspended_at {time},
    administrator {bool} NOT NULL,
    version {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
)
"""

_MEMBERS: Final = """
CREATE TABLE IF NOT EXISTS maydan_members (
    space_key {bigint} NOT NULL,
    account_id {uuid} NOT NULL,
    roles {json} NOT NULL,
    version {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (space_key, account_id)
)
"""

_SESSIONS: Final = """
CREATE TABLE IF NOT EXISTS maydan_sessions (
    id {uuid} PRIMARY KEY,
    account_id {uuid} NOT NULL,
    created_at {time} NOT NULL,
    last_used_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    user_agent {text} NOT NULL,
    address {text} NOT NULL,
    revoked_at {time}
)
"""

_SESSION_TOKENS: Final = """
CREATE TABLE IF NOT EXISTS maydan_session_tokens (
    hash {text} PRIMARY KEY,
    session_id {uuid} NOT NULL,
    kind {text} NOT NULL,
    expires_at {time} NOT NULL,
    used_at {time}
)
"""

_API_TOKENS: Final = """
CREATE TABLE IF NOT EXISTS maydan_api_tokens (
    id {uuid} PRIMARY KEY,
    account_id {uuid} NOT NULL,
    name {text} NOT NULL,
    hash {text} NOT NULL,
    prefix {text} NOT NULL,
    space_key {bigint},
    actions {json} NOT NULL,
    types {json},
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    last_used_at {time},
    revoked_at {time}
)
"""

_MAIL_TOKENS: Final = """
CREATE TABLE IF NOT EXISTS maydan_mail_tokens (
    hash {text} PRIMARY KEY,
    account_id {uuid} NOT NULL,
    purpose {text} NOT NULL,
    expires_at {time} NOT NULL,
    used_at {time},
    data {json} NOT NULL
)
"""

_MAIL: Final = """
CREATE TABLE IF NOT EXISTS maydan_mail (
    id {uuid} PRIMARY KEY,
    kind {text} NOT NULL,
    account_id {uuid},
    email {text} NOT NULL,
    data {json} NOT NULL,
    created_at {time} NOT NULL,
    run_at {time} NOT NULL,
    lease_until {time},
    tries {bigint} NOT NULL,
    error {text} NOT NULL,
    failed_at {time}
)
"""

_ATTEMPTS: Final = """
CREATE TABLE IF NOT EXISTS maydan_attempts (
    scope {text} NOT NULL,
    key_hash {text} NOT NULL,
    window_start {time} NOT NULL,
    count {bigint} NOT NULL,
    PRIMARY KEY (scope, key_hash)
)
"""


def _unique(table: str, *columns: str) -> Step:
    name = f"{table}_{'_'.join(columns)}_unique"
    return Step(name=name, sql=f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")


def _index(table: str, *columns: str) -> Step:
    name = f"{table}_{'_'.join(columns)}_index"
    return Step(name=name, sql=f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")


def rule_values(space_key: int, rule: Rule) -> tuple[Any, ...]:
    """Return the values for :data:`RULE_INSERT`; rules read back in the order in which their values were made."""
    return (new_id(), space_key, rule.ptype, *rule.values)


async def _store_built_in_roles(transaction: Transaction) -> None:
    """Write what the built-in roles may do, which holds in every space; without these rules all is closed."""
    await transaction.execute("DELETE FROM maydan_casbin_rules WHERE space_key = ?", ALL_SPACES)
    for rule in built_in_rules():
        await transaction.execute(RULE_INSERT, *rule_values(ALL_SPACES, rule))


MIGRATION: Final = Migration(
    app="core",
    name="0001_access",
    steps=(
        Step(name="maydan_casbin_rules", sql=_RULES),
        _index("maydan_casbin_rules", "space_key", "ptype", "v0"),
        Step(name="maydan_roles", sql=_ROLES),
        Step(name="maydan_accounts", sql=_ACCOUNTS),
        _unique("maydan_accounts", "email_key"),
        Step(name="maydan_members", sql=_MEMBERS),
        _index("maydan_members", "account_id"),
        Step(name="maydan_sessions", sql=_SESSIONS),
        _index("maydan_sessions", "account_id"),
        _index("maydan_sessions", "expires_at"),
        Step(name="maydan_session_tokens", sql=_SESSION_TOKENS),
        _index("maydan_session_tokens", "session_id"),
        _index("maydan_session_tokens", "expires_at"),
        Step(name="maydan_api_tokens", sql=_API_TOKENS),
        _unique("maydan_api_tokens", "hash"),
        _index("maydan_api_tokens", "account_id"),
        Step(name="maydan_mail_tokens", sql=_MAIL_TOKENS),
        _index("maydan_mail_tokens", "account_id"),
        _index("maydan_mail_tokens", "expires_at"),
        Step(name="maydan_mail", sql=_MAIL),
        _index("maydan_mail", "run_at"),
        Step(name="maydan_attempts", sql=_ATTEMPTS),
        _index("maydan_attempts", "window_start"),
        Step(name="built_in_roles", run=_store_built_in_roles),
    ),
)
