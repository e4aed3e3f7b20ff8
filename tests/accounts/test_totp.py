"""Second factors: enrolment, codes that are good once, and getting rid of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pyotp.totp import TOTP

from maydan.accounts.service import Accounts
from maydan.accounts.settings import AuthSettings, MailSettings
from maydan.accounts.totp import STEP_S, matching_step
from maydan.errors import Conflict, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from maydan.storage import Store
from maydan.storage.log import read_after

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"
ANN = "ann@site.example"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The key of RFC 6238, appendix B, in base 32."""


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(second: int, code: str) -> None:
    """RFC 6238, appendix B, cut to six digits; a step before and after is taken too, and none twice."""
    step = second // STEP_S
    assert matching_step(SECRET, code, step, after=0) == step
    assert matching_step(SECRET, f"{code[:3]} {code[3:]}", step + 1, after=0) == step
    assert matching_step(SECRET, code, step - 1, after=0) == step
    assert matching_step(SECRET, code, step + 2, after=0) is None
    assert matching_step(SECRET, code, step, after=step) is None


@pytest.mark.parametrize("code", ["", "28708", "2870820", "٢٨٧٠٨٢", "28708a", "²87082", "\u0000" * 6, "9" * 5000])
def test_what_is_no_code_is_refused(code: str) -> None:
    """Other digits than ASCII's too."""
    assert matching_step(SECRET, code, 59 // STEP_S, after=0) is None


def code_of(secret: str, clock: Any) -> str:
    """Return what the app shows now."""
    return TOTP(secret).at(clock.now())


async def enrol(accounts: Accounts, clock: Any) -> str:
    """Give Ann a second factor, and let its first code pass."""
    account = await accounts.people.find_by_email(ANN)
    account = account or await accounts.people.create(email=ANN, password=PASSWORD)
    secret = (await accounts.totp.begin(account)).secret
    await accounts.totp.confirm(account, code_of(secret, clock))
    clock.forward(STEP_S)
    return secret


async def test_a_second_factor_is_asked_for_after_the_right_password_alone(
    accounts: Accounts, clock: Any, store: Store
) -> None:
    """Who does not know the password learns nothing of it; an unconfirmed one asks for nothing."""
    ann = await accounts.people.create(email=ANN, password=PASSWORD)
    begun = await accounts.totp.begin(ann)
    assert begun.otpauth_url.startswith(f"otpauth://totp/site.example:ann%40site.example?secret={begun.secret}")
    assert begun.secret not in repr(begun)
    await accounts.logins.log_in(ANN, PASSWORD)
    with pytest.raises(InvalidInput) as refused:
        await accounts.totp.confirm(ann, "000000")
    assert refused.value.errors[0].pointer == "/code"
    secret = (await accounts.totp.begin(ann)).secret
    first = code_of(secret, clock)
    await accounts.totp.confirm(ann, first)
    for again in (accounts.totp.begin(ann), accounts.totp.confirm(ann, first)):
        with pytest.raises(Conflict):
            await again
    for password, code, said in (
        ("not it at all", None, "unauthenticated"),
        ("not it at all", first, "unauthenticated"),
        (PASSWORD, None, "code_required"),
        (PASSWORD, first, "wrong_code"),
    ):
        with pytest.raises(Unauthenticated) as error:
            await accounts.logins.log_in(ANN, password, code=code)
        assert error.value.error_code == said
    clock.forward(STEP_S)
    await accounts.logins.log_in(ANN, PASSWORD, code=code_of(secret, clock))
    (noted,) = [event for event in await read_after(store, 0, 100) if event.data == {"fields": ["totp"]}]
    assert noted.subject_id == ann.id


async def test_a_code_is_good_once_in_all_workers_together(
    accounts: Accounts, clock: Any, store: Store, letterbox: Any, auth: AuthSettings
) -> None:
    """However many ask at the same moment."""
    secret = await enrol(accounts, clock)
    other = Accounts(store, auth=auth, mail=MailSettings(), base_url="", clock=clock, mailer=letterbox)
    code = code_of(secret, clock)
    tries = [each.logins.log_in(ANN, PASSWORD, code=code) for each in (accounts, other) * 3]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} == {Unauthenticated}
    await other.stop()


async def test_codes_are_not_guessed(accounts: Accounts, clock: Any) -> None:
    """Ten an hour, counted apart from passwords: knowing the password does not help to try more."""
    secret = await enrol(accounts, clock)
    account = await accounts.people.find_by_email(ANN)
    assert account
    results = [await accounts.totp.use(account.id, "000000") for _ in range(10)]
    assert results == [False] * 10
    with pytest.raises(TooManyRequests):
        await accounts.logins.log_in(ANN, PASSWORD, code=code_of(secret, clock))
    clock.forward(3600)
    await accounts.logins.log_in(ANN, PASSWORD, code=code_of(secret, clock))


async def test_an_administrator_removes_what_was_lost(accounts: Accounts, clock: Any) -> None:
    """Then the password alone is enough, and a new one can be set up."""
    await enrol(accounts, clock)
    account = await accounts.people.find_by_email(ANN)
    assert account
    await accounts.people.reset_totp(account)
    await accounts.logins.log_in(ANN, PASSWORD)
    with pytest.raises(NotFound):
        await accounts.totp.remove(account)
    await enrol(accounts, clock)
