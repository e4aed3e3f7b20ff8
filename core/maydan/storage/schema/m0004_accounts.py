"""Second factors, invitations, and signing in through providers."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_TOTP: Final = """
CREATE TABLE IF NOT EXISTS maydan_totp (
    account_id {uuid} PRIMARY KEY,
    secret {text} NOT NULL,
    created_at {time} NOT NULL,
    confirmed_at {time},
    last_step {bigint} NOT NULL
)
"""

_INVITATIONS: Final = """
CREATE TABLE IF NOT EXISTS maydan_invitations (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    email {text} NOT NULL,
    email_key {text} NOT NULL,
    roles {json} NOT NULL,
    inviter_id {uuid} NOT NULL,
    token_hash {text},
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    accepted_at {time}
)
"""

_OIDC_FLOWS: Final = """
CREATE TABLE IF NOT EXISTS maydan_oidc_flows (
    state_hash {text} PRIMARY KEY,
    provider {text} NOT NULL,
    browser_hash {text} NOT NULL,
    nonce {text} NOT NULL,
    verifier {text} NOT NULL,
    expires_at {time} NOT NULL
)
"""

_IDENTITIES: Final = """
CREATE TABLE IF NOT EXISTS maydan_identities (
    issuer {text} NOT NULL,
    subject {text} NOT NULL,
    account_id {uuid} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (issuer, subject)
)
"""


def _index(table: str, *columns: str, unique: bool = False) -> Step:
    name = f"{table}_{'_'.join(columns)}_{'unique' if unique else 'index'}"
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return Step(name=name, sql=f"CREATE {kind} IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")


MIGRATION: Final = Migration(
    app="core",
    name="0004_accounts",
    steps=(
        Step(name="maydan_totp", sql=_TOTP),
        Step(name="maydan_invitations", sql=_INVITATIONS),
        _index("maydan_invitations", "token_hash", unique=True),
        _index("maydan_invitations", "space_key", "id"),
        _index("maydan_invitations", "expires_at"),
        Step(name="maydan_oidc_flows", sql=_OIDC_FLOWS),
        _index("maydan_oidc_flows", "expires_at"),
        Step(name="maydan_identities", sql=_IDENTITIES),
        _index("maydan_identities", "account_id"),
    ),
)
