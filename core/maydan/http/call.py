"""What a route is given: who calls, in which space, with what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from maydan.errors import InvalidInput, NotFound
from maydan.http import conditions
from maydan.http.conversion import convert_body
from maydan.http.queries import parse_pairs
from maydan.http.sealing import Seal
from maydan.http.streams_frames import wants_stream

if TYPE_CHECKING:
    from litestar.types import HTTPScope

    from maydan.access.actors import Actor
    from maydan.content.spaces import Space
    from maydan.http.answers import Answer
    from maydan.http.idempotency import Claim
    from maydan.http.routing import Route
    from maydan.http.spooling import Spool
    from maydan.http.surroundings import Surroundings
    from maydan.operations.core import Caller, Core

T = TypeVar("T")
R = TypeVar("R")


class Call:
    """One request, as far as the kernel has read and checked it."""

    __slots__ = (
        "_data", "_space", "around", "caller", "claim", "client", "core", "credential", "headers", "path", "query",
        "query_string", "raw", "request_id", "route", "url_path",
    )  # fmt: skip

    def __init__(
        self, surroundings: Surroundings, route: Route, scope: HTTPScope, headers: dict[bytes, bytes], request_id: str
    ) -> None:
        """Keep what is known from the head of the request."""
        self.around = surroundings
        """What all requests share: settings, meters, all routes."""
        self.core: Core = surroundings.core
        self.route = route
        self.path: Mapping[str, str] = scope["path_params"]
        """The values in the path by name, decoded."""
        self.url_path = scope["path"]
        self.query_string = scope["query_string"]
        self.client = scope["client"]
        self.headers = headers
        """By lower-case name, as bytes; see :meth:`header`."""
        self.request_id = request_id
        self.caller: Caller
        self.query: Any = None
        """The Struct that the route declares."""
        self.raw = b""
        """The body as it came."""
        self._data: Any = None
        self.claim: Claim | None = None
        self.credential: Actor | None = None
        """Who a used ticket stood for, on a stream."""
        self._space: Space | None = None

    @property
    def actor(self) -> Actor:
        """Whoever calls."""
        return self.caller.actor

    @property
    def space(self) -> Space:
        """The space in the path.

        Raises:
            NotFound: The path has none.
        """
        if self._space is None:
            raise NotFound
        return self._space

    @space.setter
    def space(self, space: Space) -> None:
        self._space = space

    @property
    def data(self) -> Any:
        """The body as parsed JSON.

        Raises:
            InvalidInput: A string in it holds what no text may hold, or a number is out of range.
        """
        if isinstance(self._data, InvalidInput):
            raise self._data
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        self._data = data

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query parameters in their order, for a route with ``AnyQuery``, which checks them itself."""
        return parse_pairs(self.query_string)

    @property
    def address(self) -> str:
        """The client's IP address, as a trusted proxy says or as the connection has it."""
        return self.around.proxies.address(self.client, self.headers)

    @property
    def wants_stream(self) -> bool:
        """Whether the caller asks for server-sent events."""
        return wants_stream(self.header("accept"))

    def header(self, name: str) -> str | None:
        """Return a request header, or ``None``."""
        value = self.headers.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")

    @overload
    def body(self) -> dict[str, Any]: ...
    @overload
    def body(self, wanted: type[T]) -> T: ...
    def body(self, wanted: Any = dict[str, Any]) -> Any:
        """Return the JSON body converted to ``wanted``; without it, as an object.

        Raises:
            InvalidInput: With one error for each place that is not acceptable.
        """
        return convert_body(self.data, wanted)

    def require_match(self, tag: str) -> None:
        """Hold ``If-Match`` against the present tag of what is to be changed.

        Raises:
            PreconditionRequired: It is missing and the route needs it.
            Stale: It names other tags only.
        """
        conditions.require_tag(self.header("if-match"), tag, required=self.route.if_match)

    def require_version(self, version: int) -> None:
        """Hold ``If-Match`` against the present draft version of an entry; raises as :meth:`require_match`."""
        conditions.require_version(self.header("if-match"), version, required=self.route.if_match)

    def seal(self, build: Callable[[R], Answer]) -> Seal[R]:
        """Return what stores the answer in the operation's own transaction (``Idempotency-Key``).

        ``seal = call.seal(partial(_created, call))``, then pass ``seal.statements`` to the operation (it is ``None``
        without a key) and return ``seal.answer(entry)``. ``build`` is a pure function of the operation's result.
        """
        return Seal(self.claim, build)


class LargeCall(Call):
    """A call of a route that takes large bodies."""

    __slots__ = ("readmit", "spool")

    def __init__(self, *head: Any) -> None:
        """Keep what is known from the head of the request, as :class:`Call`."""
        super().__init__(*head)
        self.spool: Spool | None = None
        """The whole body where it is larger than others may be; ``raw`` is its start then."""
        self.readmit: Callable[[], Awaitable[None]]
        """Judges the caller again, by the rights of now; raises what the request would be refused with."""
