"""The Litestar application made of routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from maydan.errors import Malformed, MaydanError, NotFound
from maydan.http.headers import languages, read_headers, request_id
from maydan.http.kernel import Endpoint
from maydan.http.problems import MethodNotAllowed, Unexpected
from maydan.http.replies import Reply, reply_to_error
from maydan.http.routing import Route

if TYPE_CHECKING:


    from litestar import Request
    from litestar.types import ASGIApp, Method, Receive, Scope, Send

    from maydan.http.settings import ServerSettings
    from maydan.operations.core import Core

_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def build_app(
    core: Core, settings: ServerSettings, routes: Sequence[Route], *, lifespan: Sequence[Lifespan] = ()
) -> Litestar:
    """Return the application that answers the routes.

    Raises:
        ValueError: Two routes have the same method and path.
    """
    _check_unique(routes)
    return Litestar(
        [_handler(core, settings, route) for route in routes],
        exception_handlers={Exception: _on_exception},
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,
    )


def _check_unique(routes: Sequence[Route]) -> None:
    seen: dict[tuple[str, str], Route] = {}
    for route in routes:
        key = (route.method, _PARAMETER.sub("{}", route.path))
        if key in seen:
            other = seen[key].plugin or "the core"
            raise ValueError(f"{route.method} {route.path} of {route.plugin or 'the core'} is taken by {other}.")
        seen[key] = route


def _handler(core: Core, settings: ServerSettings, route: Route) -> HTTPRouteHandler:
    """Register a route with Litestar, which finds it by path and method; the endpoint answers as its middleware.

    Answering there spares what Litestar does between routing and a function (a ``Request``, arguments, a response
    class): half of the time of a bare request.
    """
    endpoint = Endpoint(core, settings, route)

    def answering(app: ASGIApp) -> ASGIApp:
        return endpoint  # type: ignore[return-value]

    methods: list[Method] = ["GET", "HEAD"] if route.method == "GET" else [route.method]  # type: ignore[list-item]
    path = _PARAMETER.sub(r"{\1:str}", route.path)
    return HTTPRouteHandler(path, http_method=methods, middleware=[answering], status_code=200)(_unreachable)


async def _unreachable() -> None:
    """Stand where Litestar wants a function; the endpoint has answered before."""


def _on_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer what Litestar itself refuses: an unknown path, a method, a host header."""
    headers = read_headers(request.scope["headers"])
    allow: list[tuple[str, str]] = []
    problem: MaydanError = Unexpected()
    if isinstance(error, HTTPException):
        match error.status_code:
            case 404:
                problem = NotFound()
            case 405:
                allowed = (error.headers or {}).get("allow", "")
                problem = MethodNotAllowed(f"Allowed here: {allowed}.")
                allow = [("allow", allowed)]
            case 400:
                problem = Malformed(error.detail)
            case _:
                pass
    accepted = headers.get(b"accept-language")
    wanted = () if accepted is None else languages(accepted)
    reply = reply_to_error(
        problem, path=request.scope["path"], request_id=request_id(headers), languages=wanted, more=allow
    )
    return _Ready(reply)


class _Ready(Response[Any]):
    """A reply in the shape that Litestar's exception handling wants."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(None)
        self._reply = reply

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIApp:  # type: ignore[override]
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            await self._reply.send(send, head=scope["method"] == "HEAD")  # type: ignore[typeddict-item]

        return respond
