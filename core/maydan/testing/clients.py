"""Somebody who calls the instance under test, over its HTTP surface and without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx


class Client:
    """One caller: nobody in particular, or a person. Paths may begin at the space: ``blog/feed``."""

    def __init__(self, http: httpx.AsyncClient, space: str, token: Callable[[], Awaitable[str]] | None = None) -> None:
        """Call as whoever has the token, which is asked for before each request."""
        self._http = http
        self._space = space
        self._token = token

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """Send a GET; ``more`` goes to httpx."""
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send a POST with a JSON body."""
        return await self.request("POST", path, **_with_body(body, more))

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send a PUT with a JSON body."""
        return await self.request("PUT", path, **_with_body(body, more))

    async def patch(self, path: str, body: Any, *, tag: str = "*", **more: Any) -> httpx.Response:
        """Send a PATCH with a JSON body; ``tag`` is the ``If-Match``."""
        more["headers"] = {"if-match": tag} | more.get("headers", {})
        return await self.request("PATCH", path, **_with_body(body, more))

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        """Send a DELETE."""
        return await self.request("DELETE", path, **more)

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any request; a path without a slash at its beginning lies in the space."""
        url = path if path.startswith("/") else f"/api/spaces/{self._space}/{path}"
        headers = {} if self._token is None else {"authorization": f"Bearer {await self._token()}"}
        headers |= more.pop("headers", {})
        return await self._http.request(method, url, headers=headers, **more)


def _with_body(body: Any, more: dict[str, Any]) -> dict[str, Any]:
    return more if body is None else {"json": body} | more
