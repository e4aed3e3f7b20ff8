"""Second factors: codes that change every half minute (RFC 6238), each good once."""

from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from maydan.accounts.attempts import Attempt, Limit
from maydan.errors import Conflict, InputError, InvalidInput, NotFound
from maydan.storage.acting import change_statement
from maydan.storage.guarded import committed
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.accounts.attempts import Attempts
    from maydan.accounts.people import Account
    from maydan.accounts.settings import AuthSettings
    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

STEP_S: Final = 30
"""RFC 6238, section 5.2: the step that every authenticator app uses."""
_DIGITS: Final = 6
_DRIFT_STEPS: Final = 1
"""Clocks may differ by one step either way (RFC 6238, section 5.2)."""


class Enrolment(Struct, frozen=True, kw_only=True):
    """What an authenticator app needs, shown once."""

    secret: str
    """Base 32."""
    otpauth_url: str
    """For a QR code."""

    def __repr__(self) -> str:
        return "Enrolment(***)"


class SecondFactors:
    """Enrols, checks and removes second factors."""

    def __init__(self, store: Store, clock: Clock, settings: AuthSettings, attempts: Attempts, base_url: str) -> None:
        """Keep secrets in this store; apps show the host of ``base_url``."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._attempts = attempts
        self._issuer = urlsplit(base_url).hostname or "maydan"

    async def begin(self, account: Account) -> Enrolment:
        """Make a secret, which counts once :meth:`confirm` saw a code of it; one that never was is replaced.

        Raises:
            Conflict: The account has a second factor already (``totp_active``).
        """
        from pyotp import random_base32
        from pyotp.totp import TOTP

        secret = random_base32()
        sql = (
            "INSERT INTO maydan_totp (account_id, secret, created_at, last_step) VALUES (?, ?, ?, 0) "
            "ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, "
            "last_step = 0 WHERE maydan_totp.confirmed_at IS NULL"
        )
        try:
            await self._store.commit([Statement(sql, (account.id, secret, self._clock.now()), expect=1)])
        except GuardFailed as error:
            raise Conflict("The account has a second factor already; remove it first.", code="totp_active") from error
        url = TOTP(secret).provisioning_uri(name=account.email, issuer_name=self._issuer)
        return Enrolment(secret=secret, otpauth_url=url)

    async def confirm(self, account: Account, code: str) -> None:
        """Demand codes at every login from now on.

        Raises:
            NotFound: Nobody began.
            Conflict: It is confirmed already (``totp_active``).
            InvalidInput: This is not the code.
            TooManyRequests: Codes were guessed too often.
        """
        row = await self._find(account.id)
        if row is None:
            raise NotFound
        if row[1] is not None:
            raise Conflict("The account has a second factor already; remove it first.", code="totp_active")
        step = await self._guess(account.id, str(row[0]), int(row[2]), code)
        now = self._clock.now()
        sql = (
            "UPDATE maydan_totp SET confirmed_at = ?, last_step = ? "
            "WHERE account_id = ? AND secret = ? AND confirmed_at IS NULL"
        )
        confirmed = Statement(sql, (now, step or 0, account.id, str(row[0])), expect=1)
        if step is None or not await committed(self._store, [confirmed, _noted(account, self._clock)]):
            raise wrong_code()
        await self._attempts.forgive(cleared=[self.attempt_of(account.id)])

    async def is_on(self, account_id: str) -> bool:
        """Tell whether a login needs a code."""
        row = await self._find(account_id)
        return row is not None and row[1] is not None

    async def use(self, account_id: str, code: str) -> bool:
        """Take a code as proof; no worker takes the same one, or an older one, again.

        Returns:
            Whether it was the code; also false where the account has no second factor.
        Raises:
            TooManyRequests: Codes were guessed too often.
        """
        row = await self._find(account_id)
        if row is None or row[1] is None:
            return False
        step = await self._guess(account_id, str(row[0]), int(row[2]), code)
        if step is None:
            return False
        sql = "UPDATE maydan_totp SET last_step = ? WHERE account_id = ? AND secret = ? AND last_step < ?"
        if not await committed(self._store, [Statement(sql, (step, account_id, str(row[0]), step), expect=1)]):
            return False
        await self._attempts.forgive(cleared=[self.attempt_of(account_id)])
        return True

    async def remove(self, account: Account) -> None:
        """Let the password alone be enough again; who asks has proved who they are.

        Raises:
            NotFound: The account has no second factor.
        """
        try:
            await self._store.commit([removal(account.id, expect=1), _noted(account, self._clock)])
        except GuardFailed as error:
            raise NotFound from error

    async def _guess(self, account_id: str, secret: str, last_step: int, code: str) -> int | None:
        """Return the step whose code this is, after counting the attempt; ``None`` for no step, or one that is used."""
        await self._attempts.count(self.attempt_of(account_id))
        present = int(self._clock.now().timestamp()) // STEP_S
        return matching_step(secret, code, present, after=last_step)

    def attempt_of(self, account_id: str) -> Attempt:
        """Return what is counted against guessing an account's codes."""
        limit = Limit(scope="totp:account", count=self._settings.code_failures_per_hour, window_s=3600)
        return Attempt(limit=limit, key=account_id)

    async def _find(self, account_id: str) -> Row | None:
        sql = "SELECT secret, confirmed_at, last_step FROM maydan_totp WHERE account_id = ?"
        return await self._store.fetch_point(sql, account_id)


def matching_step(secret: str, code: str, present: int, *, after: int) -> int | None:
    """Return the step that a code belongs to, of those that may still be used.

    Args:
        secret: Base 32.
        code: As it was typed, maybe with a blank in the middle.
        present: The number of the present step.
        after: The newest step that was used.
    """
    from pyotp.totp import TOTP

    digits = code.replace(" ", "")
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    found = None
    for step in range(max(0, present - _DRIFT_STEPS), present + _DRIFT_STEPS + 1):
        if compare_digest(TOTP(secret).generate_otp(step), digits) and step > after:
            found = step
    return found


def removal(account_id: str, *, expect: int | None = None) -> Statement:
    """Return the part of a batch that removes a second factor."""
    return Statement("DELETE FROM maydan_totp WHERE account_id = ?", (account_id,), expect=expect)


def wrong_code() -> InvalidInput:
    """Return the refusal of a code by somebody who is logged in."""
    error = InputError("/code", "wrong_code", "This is not the present code, or it was used already.")
    return InvalidInput("This is not the present code, or it was used already.", errors=(error,))


def _noted(account: Account, clock: Clock) -> Statement:
    return change_statement("account.changed", ("account", account.id), at=clock.now(), data={"fields": ["totp"]})
