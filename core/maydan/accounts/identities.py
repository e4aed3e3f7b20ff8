"""The identities of providers with which an account signs in, listed and unlinked by their owner."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.errors import Conflict, NotFound, Stale
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.accounts.people import People
    from maydan.accounts.settings import AuthSettings
    from maydan.storage.ports import Store

_TRIES: Final = 4


class LinkedIdentity(Struct, frozen=True, kw_only=True):
    """Somebody as a provider knows them, linked to an account."""

    id: str
    """Made of issuer and subject."""
    provider: str | None
    """The name of its table in the settings; ``None`` where no provider has this issuer any more."""
    issuer: str
    subject: str
    created_at: datetime


class Identities:
    """Shows and unlinks identities; never the last way in which somebody can sign in."""

    def __init__(self, store: Store, settings: AuthSettings, people: People) -> None:
        """Read what :class:`~maydan.accounts.oidc.Providers` links."""
        self._store = store
        self._names = {provider.issuer: name for name, provider in settings.oidc.items()}
        self._people = people

    async def list_of(
        self, account_id: str, *, limit: int, after: str | None = None, offset: int = 0
    ) -> list[LinkedIdentity]:
        """Return the identities of an account, the newest first; an account has few.

        Args:
            account_id: The account.
            limit: Identities at most.
            after: The id of the last one of the page before.
            offset: How many to leave out.
        """
        held = await self._all(account_id)
        places = [number for number, one in enumerate(held, 1) if one.id == after]
        return held[(places[0] if places else 0) + offset :][:limit]

    async def count_of(self, account_id: str) -> int:
        """Count the identities of an account."""
        return len(await self._all(account_id))

    async def unlink(self, account_id: str, identity_id: str) -> None:
        """Take an identity from an account.

        Raises:
            NotFound: The account has no such identity.
            Conflict: Nobody could sign in to the account any more (``last_identity``).
        """
        for _ in range(_TRIES):
            # The version of the account guards both: who unlinks another one at the same moment comes after this.
            account = await self._people.get(account_id)
            held = await self._all(account_id)
            gone = next((one for one in held if one.id == identity_id), None)
            if gone is None:
                raise NotFound
            others = [one for one in held if one is not gone and one.provider is not None]
            if not account.password_hash and not others:
                message = "This is the only way to sign in to your account; set a password first."
                raise Conflict(message, code="last_identity")
            sql = "DELETE FROM maydan_identities WHERE issuer = ? AND subject = ? AND account_id = ?"
            removal = Statement(sql, (gone.issuer, gone.subject, account_id), expect=1)
            try:
                await self._people.change(account, {}, more=[removal], named=("identity",))
            except Stale:
                continue
            return
        raise Conflict("The account is being changed by others; try again.")

    async def _all(self, account_id: str) -> list[LinkedIdentity]:
        rows = await self._store.fetch_all(
            "SELECT issuer, subject, created_at FROM maydan_identities WHERE account_id = ?", account_id
        )
        found = [
            LinkedIdentity(
                id=sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32],
                provider=self._names.get(issuer),
                issuer=issuer,
                subject=subject,
                created_at=self._store.dialect.read_time(at),
            )
            for issuer, subject, at in rows
        ]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)
