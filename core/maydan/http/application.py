"""The Litestar application made of routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, cast

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from maydan.errors import Malformed, MaydanError, NotFound
from maydan.http.headers import read_headers, request_id
from maydan.http.kernel import Endpoint, refuse
from maydan.http.problems import MethodNotAllowed, Unexpected
from maydan.http.replies import COMMON, Reply
from maydan.http.routing import Route

if TYPE_CHECKING:
    from litestar import Request
    from litestar.plugins import PluginProtocol
    from litestar.types import ASGIApp, HTTPScope, Method, Receive, Scope, Send

    from maydan.http.surroundings import Surroundings

_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")

Answers = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def build_app(around: Surroundings, routes: Sequence[Route], *, lifespan: Sequence[Lifespan] = ()) -> Litestar:
    """Return the application that answers the routes.

    Raises:
        ValueError: Two routes have the same method and path.
    """
    around.routes = tuple(routes)
    paths: dict[str, _Path] = {}
    for route in routes:
        paths.setdefault(_PARAMETER.sub("{}", route.path), _Path(around, route.path)).add(route)
    return _Application(
        _handlers({path.path: path.answers(paths.get(_beside(path.path))) for path in paths.values()}),
        exception_handlers={Exception: _Refusals(around).answer},
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,
        state=State({"around": around}),
    )


class _Application(Litestar):
    """Litestar without the plugins that it takes of itself.

    They understand the types of pydantic and attrs, which no route has; importing pydantic is a third of the start.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return plugins


def _beside(path: str) -> str:
    """Return the path whose last segment is a parameter, where the given one's is a word."""
    return f"{_PARAMETER.sub('{}', path).rpartition('/')[0]}/{{}}"


def _handlers(answers: Mapping[str, Mapping[str, Answers]]) -> list[HTTPRouteHandler]:
    """Return what Litestar finds by path and method; what answers stands where a middleware would.

    Answering there spares what Litestar does between routing and a function (a ``Request``, arguments, a response
    class): half of the time of a bare request. Paths with the same methods have one handler, since each that Litestar
    looks into makes the start longer.
    """

    def answer(scope: Any, receive: Receive, send: Send) -> Awaitable[None]:
        return answers[scope["path_template"]][scope["method"]](scope, receive, send)

    def answering(app: ASGIApp) -> ASGIApp:  # noqa: ARG001 - what Litestar would do next
        return answer

    alike: dict[tuple[str, ...], list[str]] = {}
    for path, by_method in answers.items():
        alike.setdefault(tuple(sorted(by_method)), []).append(_PARAMETER.sub(r"{\1:str}", path))
    return [
        HTTPRouteHandler(
            paths,
            http_method=[cast("Method", method) for method in methods],
            middleware=[answering],
            status_code=200,
        )(_unreachable)
        for methods, paths in alike.items()
    ]


class _Path:
    """All routes on one path."""

    def __init__(self, around: Surroundings, path: str) -> None:
        self._around = around
        self.path = path
        self._routes: dict[str, Route] = {}

    def add(self, route: Route) -> None:
        """Add a route; the names of its parameters must be those of the others on the path."""
        owner = route.plugin or "the core"
        if route.path != self.path:
            raise ValueError(f"{route.method} {route.path} of {owner}: its path is called {self.path} elsewhere.")
        if taken := self._routes.get(route.method):
            raise ValueError(f"{route.method} {route.path} of {owner} is taken by {taken.plugin or 'the core'}.")
        self._routes[route.method] = route

    def answers(self, beside: _Path | None) -> dict[str, Answers]:
        """Return what answers each method.

        Litestar prefers a word in a path to a parameter, for every method; so what ``…/query`` does not answer itself,
        ``…/{entry}`` beside it does, which may be called that.
        """
        answers: dict[str, Answers] = {method: Endpoint(self._around, route) for method, route in self._routes.items()}
        if beside is not None and beside is not self and not self.path.endswith("}"):
            answers |= beside.answers_to(self.path.rpartition("/")[2], but=answers)
        if "GET" in answers:
            answers["HEAD"] = answers["GET"]
        answers["OPTIONS"] = _Options(self._around, ", ".join(sorted([*answers, "OPTIONS"])))
        return answers

    def answers_to(self, word: str, *, but: Mapping[str, Answers]) -> dict[str, Answers]:
        """Return what answers where the last parameter is this word, for the methods that have no answer yet."""
        name = _PARAMETER.findall(self.path)[-1]
        return {
            method: _with_parameter(Endpoint(self._around, route), name, word)
            for method, route in self._routes.items()
            if method not in but
        }


def _with_parameter(endpoint: Answers, name: str, word: str) -> Answers:
    def answer(scope: Any, receive: Receive, send: Send) -> Awaitable[None]:
        scope["path_params"] = {**scope["path_params"], name: word}
        return endpoint(scope, receive, send)

    return answer


async def _unreachable() -> None:
    """Stand where Litestar wants a function; the answer was given before."""


class _Options:
    """Answers ``OPTIONS`` on one path: what it allows, and preflights."""

    def __init__(self, around: Surroundings, methods: str) -> None:
        self._around = around
        self._methods = methods

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        reply = Reply(204, [*COMMON, (b"x-request-id", request_id(headers).encode())], b"")
        reply.headers.append((b"allow", self._methods.encode()))
        if self._around.cors is not None:
            reply.headers += self._around.cors.preflight(headers, self._methods)
        await reply.send(send)


class _Refusals:
    """Answers what Litestar itself refuses: an unknown path, a method, a host header."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def answer(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Return the problem in the shape that Litestar wants."""
        headers = read_headers(request.scope["headers"])
        reply = refuse(_problem(error), request.scope, headers, request_id(headers))
        if self._around.cors is not None and b"origin" in headers:
            reply.headers += self._around.cors.headers(headers[b"origin"])
        if isinstance(error, HTTPException) and error.status_code == 405:
            reply.headers.append((b"allow", _allowed(error).encode()))
        self._around.meters.of("*", "unmatched").note(reply.status, 0.0)
        return _Ready(reply)


def _problem(error: Exception) -> MaydanError:
    match error.status_code if isinstance(error, HTTPException) else 500:
        case 404:
            return NotFound()
        case 405:
            return MethodNotAllowed(f"Allowed here: {_allowed(cast('HTTPException', error))}.")
        case 400:
            return Malformed("The Host header is not valid.")
        case _:
            return Unexpected()


def _allowed(error: HTTPException) -> str:
    methods = (error.headers or {}).get("allow", "")
    return ", ".join(sorted(methods.split(", ")))


class _Ready(Response[Any]):
    """A reply in the shape that Litestar's exception handling wants."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(None)
        self._reply = reply

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
            await self._reply.send(send, head="method" in scope and scope["method"] == "HEAD")

        return respond
