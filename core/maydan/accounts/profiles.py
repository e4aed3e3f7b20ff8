"""What people change about their own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit
from maydan.accounts.ending import end_access_of
from maydan.accounts.outbox import mail_statement
from maydan.accounts.people import check_person
from maydan.errors import InputError, InvalidInput

if TYPE_CHECKING:
    from maydan.accounts.attempts import Attempts
    from maydan.accounts.passwords import Passwords
    from maydan.accounts.people import Account, People
    from maydan.accounts.settings import AuthSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Statement


class Profiles:
    """Changes names, locales, addresses and passwords on behalf of their owners."""

    def __init__(
        self, clock: Clock, settings: AuthSettings, people: People, passwords: Passwords, attempts: Attempts
    ) -> None:
        """Change accounts through ``people``."""
        self._clock = clock
        self._settings = settings
        self._people = people
        self._passwords = passwords
        self._attempts = attempts

    async def change(
        self,
        account: Account,
        *,
        name: str | None = None,
        locale: str | None = None,
        email: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
        session_id: str | None = None,
    ) -> Account:
        """Change what is given, and return the account as it is then.

        A new address counts once the mail to it was answered (where ``require_verification`` is on); the old one gets
        a notice. A new password or address ends the other sessions.

        Args:
            account: As it was read; a change since then is refused.
            name: How others see the person.
            locale: BCP 47, or empty for none.
            email: A new address; needs ``current_password``.
            password: A new password; needs ``current_password``.
            current_password: Proof that it is really the person; checked wherever it is given.
            session_id: The session that goes on.
        Raises:
            InvalidInput: A value, or the current password, is not acceptable.
            TooManyRequests: The current password was guessed too often.
            Stale: Somebody else changed the account first.
        """
        check_person(
            email=account.email if email is None else email,
            password=password,
            name=account.name if name is None else name,
            locale=locale or "",
        )
        sensitive = email is not None or password is not None
        if sensitive or current_password is not None:
            await self.check_current(account, current_password)
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = name
        if locale is not None:
            values["locale"] = locale
        if password is not None:
            values["password_hash"] = await self._passwords.hash(password)
        more: list[Statement] = []
        if sensitive:
            more += end_access_of(account.id, self._clock.now(), but_session=session_id)
        if email is not None:
            more += await self._new_address(account, email, values)
        await self._people.change(account, values, more=more)
        return await self._people.get(account.id)

    async def check_current(self, account: Account, current_password: str | None) -> None:
        """Demand proof that it is really the person; counted like logins.

        Raises:
            InvalidInput: It is missing or wrong.
            TooManyRequests: It was guessed too often.
        """
        if current_password is None:
            raise _wrong("required", "Send the current password as well.")
        settings = self._settings
        limit = Limit(
            scope="login:account", count=settings.login_failures_per_account, window_s=settings.login_window_s
        )
        attempt = Attempt(limit=limit, key=account.email_key)
        async with self._attempts.judging(attempt):
            if not await self._passwords.verify(current_password, account.password_hash):
                raise _wrong("wrong_password", "This is not the current password.")
            await self._attempts.forgive(cleared=(attempt,))

    async def _new_address(self, account: Account, email: str, values: dict[str, Any]) -> list[Statement]:
        if address_key(email) == account.email_key:
            values["email"] = email
            return []
        if not self._settings.require_verification:
            values.update(email=email, email_key=address_key(email))
            return []
        # Whether the address is taken is not said: its holder gets mail, like one who is registered once more.
        kind = "email" if await self._people.find_by_email(email) is None else "taken"
        now = self._clock.now()
        return [
            mail_statement(kind, email=email, account_id=account.id, now=now, locale=account.locale),
            mail_statement("changed", email=account.email, account_id=account.id, now=now, locale=account.locale),
        ]


def _wrong(code: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=(InputError("/current_password", code, message),))
