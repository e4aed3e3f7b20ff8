from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct

from maydan.errors import Conflict, Forbidden, Unavailable
from maydan.http import idempotency
from maydan.http.answers import Answer
from maydan.http.call import Call
from maydan.http.routing import PUBLIC, Parameter, route
from maydan.storage import Store
from maydan.storage.ports import Statement

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "0192-first"}
EDITOR = {"Authorization": "Bearer editor"}


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    item: str


class Shop:
    """Counts what was really carried out."""

    def __init__(self) -> None:
        self.orders = 0
        self.error: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()


@pytest.fixture
def shop() -> Shop:
    """A shop without orders."""
    return Shop()


@pytest.fixture
def routes(shop: Shop) -> list[Any]:
    """Routes that order, with and without a seal, and one that answers a token."""

    @route("POST", "/api/orders", permission=PUBLIC, body=Order, status=201, idempotency_required=True)
    async def order(call: Call, body: Order) -> Answer:
        await shop.go_on.wait()
        shop.orders += 1
        if shop.error:
            raise shop.error
        return Answer.created({"number": shop.orders, "item": body.item}, f"/api/orders/{shop.orders}", tag="t1")

    @route("POST", "/api/sealed", permission=PUBLIC, body=Order, status=201)
    async def order_sealed(call: Call, body: Order) -> Answer:
        seal = call.seal(lambda number: Answer.created({"number": number}, f"/api/orders/{number}"))
        shop.orders += 1
        if seal.statements:
            await call.core.store.commit(seal.statements(shop.orders))
        if shop.error:
            raise shop.error
        return seal.answer(shop.orders)

    @route("POST", "/api/login", permission=PUBLIC, body=Order, secret_answer=True)
    async def login(call: Call, body: Order) -> Answer:
        return Answer.json({"access_token": "swordfish"})

    headers = (Parameter(name="Cart-Token", description="Whose."), Parameter(name="Prefer", description="How."))

    @route("POST", "/api/carts", permission=PUBLIC, body=Order, headers=headers)
    async def fill_cart(call: Call, body: Order) -> Answer:
        shop.orders += 1
        return Answer.json({"number": shop.orders})

    return [order, order_sealed, login, fill_cart]


async def test_headers_of_a_route_say_who_asks_but_how_is_part_of_what_is_asked(
    serve: Any, routes: list[Any], shop: Shop, store: Store
) -> None:
    """With another cart the key is another's; with another ``Prefer`` it was used for another request."""
    async with serve(routes, store=store) as client:
        mine = [await client.post("/api/carts", json={"item": "tea"}, headers=KEY | {"Cart-Token": "a"}) for _ in "12"]
        other = await client.post("/api/carts", json={"item": "tea"}, headers=KEY | {"Cart-Token": "b"})
        how = {"Cart-Token": "a", "Prefer": "atomic"}
        reused = await client.post("/api/carts", json={"item": "tea"}, headers=KEY | how)
    assert [each.json()["number"] for each in (*mine, other)] == [1, 1, 2]
    assert (reused.status_code, reused.json()["code"], shop.orders) == (422, "idempotency_key_reused", 2)


async def test_the_first_answer_is_repeated(serve: Any, routes: list[Any], shop: Shop, store: Store) -> None:
    """Same key, same body: the same status, body and headers, marked; the work is done once."""
    async with serve(routes, store=store) as client:
        first = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        again = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        other = await client.post("/api/orders", json={"item": "tea"}, headers={"Idempotency-Key": "second"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("location", "etag", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["number"] == shop.orders == 2


async def test_a_key_is_for_one_request_only(serve: Any, routes: list[Any], shop: Shop, sqlite_store: Store) -> None:
    """Another body or query under the same key is 422; another caller's key is another key."""
    async with serve(routes, store=sqlite_store) as client:
        await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        reused = await client.post("/api/orders", json={"item": "cake"}, headers=KEY)
        somebody = await client.post("/api/orders", json={"item": "cake"}, headers=KEY | EDITOR)
        elsewhere = await client.post("/api/sealed", json={"item": "cake"}, headers=KEY)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert somebody.status_code == elsewhere.status_code == 201
    assert shop.orders == 3


async def test_a_missing_or_odd_key_is_400(serve: Any, routes: list[Any], shop: Shop, sqlite_store: Store) -> None:
    """Where the contract requires a key; elsewhere none is needed."""
    async with serve(routes, store=sqlite_store) as client:
        missing = await client.post("/api/orders", json={"item": "tea"})
        odd = await client.post("/api/orders", json={"item": "tea"}, headers={"Idempotency-Key": "a b"})
        free = await client.post("/api/sealed", json={"item": "tea"})
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    assert odd.status_code == 400
    assert free.status_code == 201


async def test_of_many_at_once_one_is_carried_out(serve: Any, routes: list[Any], shop: Shop, store: Store) -> None:
    """While the first is running the others are 409 with Retry-After; afterwards they get its answer."""
    shop.go_on.clear()
    async with serve(routes, store=store) as client:

        async def post() -> Any:
            return await client.post("/api/orders", json={"item": "tea"}, headers=KEY)

        tasks = [asyncio.create_task(post()) for _ in range(20)]
        done, pending = await asyncio.wait(tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 19:
            more, pending = await asyncio.wait(pending, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        shop.go_on.set()
        winner = await pending.pop()
        late = await post()
    assert {answer.result().status_code for answer in done} == {409}
    assert all(int(answer.result().headers["retry-after"]) >= 1 for answer in done)
    assert all(answer.result().json()["code"] == "idempotency_running" for answer in done)
    assert winner.status_code == 201
    assert winner.content == late.content
    assert shop.orders == 1


async def test_a_refusal_is_repeated_too(serve: Any, routes: list[Any], shop: Shop, sqlite_store: Store) -> None:
    """What an operation refused stays refused under the key, also when it would succeed by now."""
    async with serve(routes, store=sqlite_store) as client:
        shop.error = Conflict("Sold out.", code="insufficient_stock")
        first = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        shop.error = None
        again = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
    assert first.status_code == again.status_code == 409
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("error", [Forbidden("No."), Unavailable("Busy.")])
async def test_a_passing_refusal_frees_the_key(
    serve: Any, routes: list[Any], shop: Shop, sqlite_store: Store, error: Exception
) -> None:
    """After 401, 403, 404, 429 and 503 the same request may be sent again, as Retry-After says."""
    async with serve(routes, store=sqlite_store) as client:
        shop.error = error
        refused = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        shop.error = None
        again = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
    assert refused.status_code in (403, 503)
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers


async def test_a_sealed_answer_survives_what_comes_after(
    serve: Any, routes: list[Any], shop: Shop, store: Store
) -> None:
    """The answer is stored in the operation's own transaction: an error after its commit cannot undo it."""
    shop.error = RuntimeError("the process is killed here")
    async with serve(routes, store=store) as client:
        lost = await client.post("/api/sealed", json={"item": "tea"}, headers=KEY)
        again = await client.post("/api/sealed", json={"item": "tea"}, headers=KEY)
    assert lost.status_code == 500
    assert again.status_code == 201
    assert again.json() == {"number": 1}
    assert shop.orders == 1


async def test_a_dead_request_holds_its_key_until_the_lease_ends(
    serve: Any, routes: list[Any], shop: Shop, store: Store
) -> None:
    """409 until then; afterwards the next request takes the key over."""
    async with serve(routes, store=store) as client:
        await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        await store.commit([Statement("UPDATE maydan_idempotency SET answer = NULL")])
        waiting = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await store.commit([Statement("UPDATE maydan_idempotency SET lease_until = ?", (past,))])
        taken = await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
    assert waiting.status_code == 409
    assert taken.status_code == 201
    assert shop.orders == 2


async def test_an_answer_ends_after_a_day(serve: Any, routes: list[Any], shop: Shop, store: Store) -> None:
    """Then the key is new again, and the purge takes the row away."""
    async with serve(routes, store=store) as client:
        await client.post("/api/orders", json={"item": "tea"}, headers=KEY)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await store.commit([Statement("UPDATE maydan_idempotency SET expires_at = ?", (past,))])
        assert (await client.post("/api/orders", json={"item": "cake"}, headers=KEY)).json()["number"] == 2
    await idempotency.purge(store, datetime.now(UTC))
    assert await store.fetch_one("SELECT count(*) FROM maydan_idempotency") == (1,)
    await idempotency.purge(store, datetime.now(UTC) + timedelta(hours=25))
    assert await store.fetch_one("SELECT count(*) FROM maydan_idempotency") == (0,)


async def test_tokens_and_keys_are_not_readable_in_the_database(
    serve: Any, routes: list[Any], sqlite_store: Store
) -> None:
    """An answer with tokens is kept encrypted under a key that only the client has."""
    async with serve(routes, store=sqlite_store) as client:
        first = await client.post("/api/login", json={"item": "tea"}, headers=KEY)
        again = await client.post("/api/login", json={"item": "tea"}, headers=KEY)
    assert first.json() == again.json() == {"access_token": "swordfish"}
    assert again.headers["cache-control"] == "no-store"
    row = str(await sqlite_store.fetch_one("SELECT scope, fingerprint, answer FROM maydan_idempotency"))
    assert "swordfish" not in row
    assert KEY["Idempotency-Key"] not in row
