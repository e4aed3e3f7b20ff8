"""Routes as data: declared once, and the handler, the strictness, the permission and OpenAPI all come from it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from maydan.http.answers import Answer
from maydan.http.queries import field_types
from maydan.http.spooling import LargeAnswer
from maydan.http.streams import Stream

type_ = type
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")


class Access(StrEnum):
    """Who may call a route, where it is not a space's action that decides."""

    PUBLIC = "public"
    """Everybody; a ``{space}`` is resolved, but need not be visible to the caller."""
    LOGGED_IN = "logged_in"
    ADMINISTRATOR = "administrator"
    MONITORING = "monitoring"
    """Administrators, and whoever has the token of ``[server] metrics_token``."""
    BY_OPERATION = "by_operation"
    """The operation decides (after the space was found visible); it also answers 428, 412 and 422 itself."""


PUBLIC: Final = Access.PUBLIC
LOGGED_IN: Final = Access.LOGGED_IN
ADMINISTRATOR: Final = Access.ADMINISTRATOR
MONITORING: Final = Access.MONITORING
BY_OPERATION: Final = Access.BY_OPERATION


class NoQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a route that takes no parameters."""


class StreamQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a route that streams; others add their fields to it."""

    ticket: str | None = None
    """Instead of an ``Authorization`` header, from ``POST /api/auth/tickets``."""


class PageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a plain list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 25
    cursor: str | None = None
    """``next`` of the page before."""
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    count: Literal["exact"] | None = None
    """``exact``: the answer has ``total``."""


class AnyQuery(Struct, frozen=True, kw_only=True):
    """The query of a route that reads it itself, strictly; it says in ``parameters`` what it takes.

    By ``parse=``, which is called first, so that 400 comes before 401 and 404; else in the function by ``call.pairs``.
    """


def _string_schema() -> dict[str, Any]:
    return {"type": "string"}


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter that only the documentation needs to know, for routes with :class:`AnyQuery`, and headers."""

    name: str
    description: str = ""
    schema: dict[str, Any] = field(default_factory=_string_schema)


Handler = Callable[..., Awaitable[Answer | LargeAnswer | Stream | Struct]]
QueryParser = Callable[[list[tuple[str, str]]], Any]


class Route(Struct, frozen=True, kw_only=True):
    """One method on one path."""

    method: str
    path: str
    """Such as ``/api/spaces/{space}/types/{type}``; ``{space}`` is resolved by the kernel."""
    handler: Handler
    permission: Access | str
    """One of :class:`Access`, or an action in the path's space, such as ``manage:types``."""
    body: Any = None
    """A Struct that the JSON body is converted to, ``dict`` for any JSON object, ``bytes`` for the body as it is."""
    body_required: bool = True
    input_schema: dict[str, Any] | None = None
    """JSON Schema of the body for the documentation, where ``body`` is ``dict``."""
    query: type_[Struct] = NoQuery
    parse: QueryParser | None = None
    """With :class:`AnyQuery`: makes ``call.query`` of the parameters, or raises ``BadParameter``."""
    answer: Any = None
    """A Struct for the documentation, ``None`` for an empty answer, or a dict that is a JSON Schema."""
    status: int = 200
    errors: tuple[int, ...] = ()
    """Statuses beyond those that follow from the declaration."""
    tags: tuple[str, ...] = ()
    media_type: str = "application/json"
    """What the body must be."""
    answer_media_type: str = "application/json"
    if_match: bool = False
    """``If-Match`` is required (428 without)."""
    idempotency_required: bool = False
    secret_answer: bool = False
    """The answer carries tokens: never cached, and stored only encrypted."""
    stream: bool = False
    """It answers ``Accept: text/event-stream`` with a :class:`~maydan.http.streams.Stream`, and takes ``ticket=``."""
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    """Request headers that identify the caller, such as ``Cart-Token``: they are part of the idempotency scope.

    But for ``Prefer``, which says how something is to be done.
    """
    plugin: str = ""
    """The plugin that offers it; it answers 404 in spaces where that is not active."""
    summary: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse what no request could reach, or everybody could."""
        if self.method not in METHODS:
            raise ValueError(f"{self.path}: {self.method!r} is not one of {', '.join(METHODS)}.")
        if not self.path.startswith("/") or (self.path.endswith("/") and self.path != "/"):
            raise ValueError(f"{self.path!r} must start with a slash and not end with one.")
        if self.if_match and self.takes_body:
            raise ValueError(f"{self.path}: 412 comes before 422, so it calls call.body() when it is ready for that.")
        if self.stream and (self.method != "GET" or "ticket" not in field_types(self.query)):
            raise ValueError(f"{self.path}: a stream is a GET whose query has a field ticket.")
        if not isinstance(self.permission, Access) and "space" not in self.names:
            raise ValueError(f"{self.path}: the permission {self.permission!r} needs a {{space}} in the path.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def name(self) -> str:
        """The function's name; unique in the core and in each plugin."""
        return getattr(self.handler, "__name__", "handler")

    @property
    def takes_body(self) -> bool:
        """Whether the handler wants the converted body as its second argument."""
        return _parameters_of(self.handler) > 1


@cache
def _parameters_of(handler: Handler) -> int:
    return len(inspect.signature(handler).parameters)


class LargeRoute(Route, frozen=True, kw_only=True):
    """A route whose body may be larger than others where it comes in chunks, from whoever is logged in.

    Its function is given a :class:`~maydan.http.call.LargeCall`.
    """

    @staticmethod
    def of(declared: Route) -> LargeRoute:
        """Return a route that takes large bodies, otherwise as it was declared."""
        return LargeRoute(**{name: getattr(declared, name) for name in declared.__struct_fields__})


def route(  # noqa: PLR0913 - a declaration: every argument is a keyword with a default
    method: str,
    path: str,
    *,
    permission: Access | str | None = None,
    public: bool = False,
    body: Any = None,
    body_required: bool = True,
    input_schema: dict[str, Any] | None = None,
    query: type_[Struct] = NoQuery,
    parse: QueryParser | None = None,
    answer: Any = None,
    status: int = 200,
    errors: Sequence[int] = (),
    tags: Sequence[str] = (),
    media_type: str = "application/json",
    answer_media_type: str = "application/json",
    if_match: bool = False,
    idempotency_required: bool = False,
    secret_answer: bool = False,
    stream: bool = False,
    parameters: Sequence[Parameter] = (),
    headers: Sequence[Parameter] = (),
) -> Callable[[Handler], Route]:
    """Declare an async function ``(call)`` or ``(call, body)`` as a route; the name becomes the :class:`Route`.

    A function with a second parameter is called with the converted body, after access was decided. One without
    calls ``call.body(TypeInput)`` when it is ready for a 422, that is after its own 404, 403, 428 and 412.

    Args:
        permission: Who may call it; a route must state this, or ``public=True``.
        public: The same as ``permission=PUBLIC``.

    Raises:
        ValueError: Neither or both of ``permission`` and ``public`` were given, or the path is not one.
    """
    if (permission is None) != public:
        raise ValueError(f"{method} {path} must state either its permission or public=True.")

    def declare(handler: Handler) -> Route:
        summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        return Route(
            method=method,
            path=path,
            handler=handler,
            permission=PUBLIC if permission is None else permission,
            body=body,
            body_required=body_required,
            input_schema=input_schema,
            query=query,
            parse=parse,
            answer=answer,
            status=status,
            errors=tuple(errors),
            tags=tuple(tags),
            media_type=media_type,
            answer_media_type=answer_media_type,
            if_match=if_match,
            idempotency_required=idempotency_required,
            secret_answer=secret_answer,
            stream=stream,
            parameters=tuple(parameters),
            headers=tuple(headers),
            summary=summary,
            description=description.strip(),
        )

    return declare
