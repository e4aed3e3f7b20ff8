from __future__ import annotations

from typing import Any

import pytest

from maydan.http.readiness import Readiness

pytestmark = pytest.mark.anyio

ADMIN = {"Authorization": "Bearer admin"}
OTHER = {"Authorization": "Bearer other"}
MONITOR = {"Authorization": "Bearer monitor"}


async def test_the_process_is_alive_whatever_the_database_does(instance: Any) -> None:
    """Liveness touches nothing, so that a database that is away does not restart the workers."""
    await instance.core.store.close()
    assert (await instance.client.get("/health/live")).status_code == 200
    await instance.core.store.open()


async def test_the_process_is_ready_while_the_database_answers(instance: Any) -> None:
    """And not any more when it is asked to stop."""
    assert (await instance.client.get("/health/ready")).status_code == 200
    instance.around.is_stopping = True
    stopping = await instance.client.get("/health/ready")
    assert stopping.status_code == 503
    assert stopping.headers["retry-after"]


async def test_readiness_asks_the_database_once_a_second(instance: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant cost, however often a load balancer asks; and a database that fails is noticed."""
    asked = 0

    class Failing:
        async def fetch_one(self, sql: str) -> None:
            nonlocal asked
            asked += 1
            raise OSError

    class FakeCore:
        store = Failing()

    readiness = Readiness(FakeCore())  # type: ignore[arg-type]
    for _ in range(50):
        assert not await readiness.is_ready()
    assert asked == 1


@pytest.mark.parametrize("path", ["/health/details", "/metrics"])
async def test_details_are_for_administrators_and_the_monitoring_token(instance: Any, path: str) -> None:
    """401 without a token, 403 for others."""
    client = instance.client
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=OTHER)).status_code == 403
    assert (await client.get(path, headers=ADMIN)).status_code == 200
    assert (await client.get(path, headers=MONITOR)).status_code == 200


async def test_the_monitoring_token_opens_nothing_else(instance: Any) -> None:
    """It is no token of an account: elsewhere it is not valid."""
    for path in ("/api/plugins", "/api/spaces", "/openapi.json"):
        assert (await instance.client.get(path, headers=MONITOR)).status_code == 401


async def test_metrics_count_requests_by_route_and_status(instance: Any) -> None:
    """By the route's template, never by the URL, so that their number stays small."""
    for number in range(3):
        await instance.client.get(f"/api/spaces/nope{number}")
    text = (await instance.client.get("/metrics", headers=MONITOR)).text
    assert 'maydan_http_requests_total{method="GET",route="/api/spaces/{space}",status="404"} 3.0' in text
    assert 'maydan_http_request_duration_seconds_count{method="GET",route="/api/spaces/{space}"} 3.0' in text
    assert "maydan_http_requests_running" in text
    assert "nope1" not in text


async def test_plugins_are_for_administrators(instance: Any) -> None:
    """The list is a list like any other; an unknown plugin is 404."""
    client = instance.client
    assert (await client.get("/api/plugins", headers=OTHER)).status_code == 403
    listed = await client.get("/api/plugins?count=exact", headers=ADMIN)
    assert listed.json() == {"items": [], "next": None, "total": 0}
    assert (await client.get("/api/plugins/nope", headers=ADMIN)).status_code == 404


async def test_the_reference_page_needs_nothing_from_elsewhere(instance: Any) -> None:
    """Its policy forbids any other origin and inline code, and it keeps to that itself."""
    page = await instance.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "://" not in page.text
    assert "style=" not in page.text
    for part in ("reference.js", "reference.css"):
        assert f'"/docs/{part}"' in page.text
        answer = await instance.client.get(f"/docs/{part}")
        assert answer.status_code == 200
        assert "://" not in answer.text
        assert "innerHTML" not in answer.text
