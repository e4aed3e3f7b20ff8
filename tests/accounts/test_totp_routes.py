"""The second factor over HTTP."""

from __future__ import annotations

import pytest
from pyotp.totp import TOTP
from site_support import PASSWORD, open_site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio

EMAIL = "ann@example.org"
PATH = "/api/me/totp"


async def test_somebody_sets_up_uses_and_removes_a_second_factor(sqlite_url: str) -> None:
    """The whole way; a token does not look after its maker's account, and nobody removes it without proof."""
    async with open_site(sqlite_url) as site:
        ann = await site.account(EMAIL)
        assert (await site.delete(PATH, headers=ann)).status_code == 404
        assert (await site.post(f"{PATH}/confirm", {"code": "000000"}, headers=ann)).status_code == 404
        assert (await site.post(PATH)).status_code == 401
        begun = await site.post(PATH, headers=ann)
        assert (begun.status_code, begun.headers["cache-control"]) == (200, "no-store")
        app = TOTP(begun.json()["secret"])

        def code() -> str:
            return app.at(site.clock.now())

        wrong = await site.post(f"{PATH}/confirm", {"code": "no"}, headers=ann)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/code")
        assert (await site.post(f"{PATH}/confirm", {"code": code()}, headers=ann)).status_code == 200
        assert (await site.post(PATH, headers=ann)).status_code == 409
        site.clock.forward(seconds=30)
        login = {"email": EMAIL, "password": PASSWORD}
        bare = await site.post("/api/auth/login", login)
        assert (bare.status_code, bare.json()["code"]) == (401, "code_required")
        used = {**login, "code": code()}
        assert (await site.post("/api/auth/login", used)).status_code == 200
        again = await site.post("/api/auth/login", used)
        assert (again.status_code, again.json()["code"]) == (401, "wrong_code")
        for proof, pointer in (({}, "/current_password"), ({"current_password": "x"}, "/current_password"),
                               ({"code": code()}, "/code")):  # fmt: skip
            refused = await site.client.request("DELETE", PATH, json=proof, headers=ann)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
        proof = {"current_password": PASSWORD}
        assert (await site.client.request("DELETE", PATH, json=proof, headers=ann)).status_code == 204
        assert (await site.post("/api/auth/login", login)).status_code == 200


async def test_an_administrator_helps_who_lost_the_second_factor(sqlite_url: str) -> None:
    """``{"totp": false}``; nothing else can be said of it."""
    async with open_site(sqlite_url) as site:
        ann = await site.account(EMAIL)
        secret = (await site.post(PATH, headers=ann)).json()["secret"]
        code = TOTP(secret).at(site.clock.now())
        assert (await site.post(f"{PATH}/confirm", {"code": code}, headers=ann)).status_code == 200
        account = await site.core.accounts.people.find_by_email(EMAIL)
        user = f"/api/users/{account.id}"
        assert (await site.patch(user, {"totp": True}, headers=site.admin)).status_code == 422
        assert (await site.patch(user, {"totp": False}, headers=ann)).status_code == 403
        assert (await site.patch(user, {"totp": False}, headers=site.admin)).status_code == 200
        await site.log_in(EMAIL)
