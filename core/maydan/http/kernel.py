"""The kernel: what happens to every request, in the order that the contract fixes.

1. head: path, query                     400 (404 for an odd spelling of the path)
2. body: size, media type, syntax        400 413 415
3. caller: token                         401
4. place: space, plugin, permission      401 403 404
5. the body fits (routes that take it as an argument)                                        422
6. idempotency: claim the key, or replay                                                     409 422
7. the route's own function, which answers 404 403 428 412 422 409 in this order

Each step is a small function; what a route never needs is decided when its endpoint is made, not per request.
"""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from secrets import compare_digest
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from maydan.access.actors import ANONYMOUS, Actor
from maydan.errors import BadParameter, Forbidden, Malformed, MaydanError, NotFound, Unauthenticated
from maydan.http.answers import Answer
from maydan.http.bodies import check_media_type, read_body, read_json
from maydan.http.bulk_progress import kept_answer
from maydan.http.call import Call, LargeCall
from maydan.http.conditions import parse_tags
from maydan.http.conversion import convert_body
from maydan.http.headers import bearer_token, languages, read_headers, request_id
from maydan.http.idempotency import NOT_KEPT, claim, read_key
from maydan.http.logs import log_request
from maydan.http.paths import check_path
from maydan.http.problems import Unexpected, status_of
from maydan.http.queries import convert_query, parse_pairs
from maydan.http.replies import Reply, answer_of_error, reply_to, reply_to_error
from maydan.http.routing import (
    BY_OPERATION,
    LOGGED_IN,
    MONITORING,
    PUBLIC,
    Access,
    AnyQuery,
    LargeRoute,
    QueryParser,
    Route,
)
from maydan.http.spooling import KeptElsewhere, LargeAnswer, LargeReply, Spool, is_chunked, read_start, spool_rest
from maydan.http.streams import Stream, StreamReply, as_plugins
from maydan.operations.core import Caller
from maydan.plugins.guard import Guarding
from maydan.storage.acting import ACTING, Acting
from maydan.storage.ports import TableDropped

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Send

    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.http.surroundings import Surroundings

_log: Final = logging.getLogger("maydan.http")
_QUERIES_KEPT: Final = 256
_LONGEST_KEPT_BYTES: Final = 1000
_MONITOR: Final = Actor(kind="token", name="monitoring")


class Endpoint:
    """One route as an ASGI application."""

    def __init__(self, around: Surroundings, route: Route) -> None:
        """Decide once what each request to the route will need."""
        self.around = around
        self.core = around.core
        self.route = route
        self._meter = around.meters.of(route.method, route.path)
        self._takes_key = route.method == "POST"
        self._reads_body = route.method != "GET"
        self._is_large = isinstance(route, LargeRoute)
        # A body that was spooled is read once, and what a plugin has stored before it failed is not ours to know.
        self._may_begin_anew = route.method == "GET" or not (self._is_large or route.plugin)
        self._converts_body = route.takes_body
        self._parse = _query_parser(route)
        self._default_query = _without_parameters(self._parse)
        # Frontends ask the same few queries again and again; a query is immutable, so it is parsed once.
        self._read = lru_cache(maxsize=_QUERIES_KEPT)(self._parse_text)
        self._in_space = "space" in route.names
        self._action = None if isinstance(route.permission, Access) else route.permission
        self._is_public = route.permission is PUBLIC

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, it is answered."""
        started = perf_counter()
        around = self.around
        around.meters.running += 1
        headers = read_headers(scope["headers"])
        identity = request_id(headers)
        statements = around.count_statements()
        try:
            reply = await self._answer(scope, receive, headers, identity)
        except MaydanError as error:
            reply = refuse(error, scope, headers, identity)
        except Exception:  # noqa: BLE001 - nothing may leave a request without an answer
            _log.exception("A request failed.", extra={"request_id": identity, "route": self.route.path})
            reply = refuse(Unexpected(), scope, headers, identity)
        finally:
            around.meters.running -= 1
        if around.cors is not None and b"origin" in headers:
            reply.headers += around.cors.headers(headers[b"origin"])
        if statements is not None:
            reply.headers.append((b"x-db-statements", str(statements[0]).encode()))
        if isinstance(reply, StreamReply):
            # How long a stream stays open says nothing about how long requests take.
            self._meter.note(reply.status, perf_counter() - started)
        await reply.send(send, head=scope["method"] == "HEAD")
        seconds = perf_counter() - started
        if not isinstance(reply, StreamReply):
            self._meter.note(reply.status, seconds)
        if around.logs_requests:
            log_request(scope["method"], scope["path"], reply.status, seconds, request_id=identity)

    async def _answer(
        self, scope: HTTPScope, receive: Receive, headers: dict[bytes, bytes], identity: str
    ) -> Reply | LargeReply | StreamReply:
        """Take the steps, in their order."""
        check_path(scope)
        if not self._is_large:
            return await self._take_steps(Call(self.around, self.route, scope, headers, identity), scope, receive)
        call = LargeCall(self.around, self.route, scope, headers, identity)
        call.readmit = partial(self._admit, call)
        try:
            return await self._take_steps(call, scope, receive)
        finally:
            if call.spool is not None:
                call.spool.close()

    async def _take_steps(self, call: Call, scope: HTTPScope, receive: Receive) -> Reply | LargeReply | StreamReply:
        headers = call.headers
        call.query = self._read_query(call)
        if self.route.stream and call.query.ticket is not None:
            _check_ticket(call)
        key = read_key(headers, required=self.route.idempotency_required) if self._takes_key else None
        if self._reads_body and not self._takes_key and b"if-match" in headers:
            parse_tags(headers[b"if-match"].decode("latin-1"), "If-Match")
        if self._reads_body:
            await self._read_body(call, receive)
        elif b"content-length" in headers or b"transfer-encoding" in headers:
            _refuse_body(headers)
        await self._admit(call)
        if isinstance(call, LargeCall) and call.spool is not None:
            await self._spool(call, call.spool, receive)
        answer = await self._run(call) if key is None else await self._run_once(call, key)
        if isinstance(answer, Stream):
            stream = answer if not self.route.plugin else as_plugins(answer, self._guarding())
            return StreamReply(call, stream, self.around.streams.open(call, stream, self._admit), receive, scope)
        if isinstance(answer, LargeAnswer):
            return LargeReply(reply_to(call, answer.head), answer)
        return reply_to(call, answer)

    def _guarding(self) -> Guarding:
        return Guarding(self.core.host.guard, self.route.plugin, f"route {self.route.method} {self.route.path}")

    def _read_query(self, call: Call) -> Any:
        """Step 1: the query parameters."""
        if not call.query_string and self._default_query is not None:
            return self._default_query
        text = call.query_string
        return self._read(text) if len(text) <= _LONGEST_KEPT_BYTES else self._parse_text(text)

    def _parse_text(self, text: bytes) -> Any:
        return self._parse(parse_pairs(text))

    async def _read_body(self, call: Call, receive: Receive) -> None:
        """Step 2: the body as bytes, and as JSON unless the route wants it as it is."""
        route = self.route
        most = self.around.server.max_body_bytes
        if isinstance(call, LargeCall) and is_chunked(call.headers):
            call.raw, is_whole = await read_start(receive, most)
            if not is_whole:
                call.spool = Spool()
        else:
            call.raw = await read_body(call.headers, receive, most)
        raw = call.raw
        if not raw:
            if route.body is not None and route.body_required:
                raise Malformed("This request needs a body.", code="body_required")
            call.data = {}
            return
        check_media_type(call.headers, route.media_type)
        if route.body is not bytes:
            call.data = await read_json(raw)

    async def _spool(self, call: Call, spool: Spool, receive: Receive) -> None:
        """Read the rest of a large body: only for somebody who is logged in, since it takes place on the disk."""
        if call.actor.kind == "anonymous":
            raise Unauthenticated("Log in first.")
        await spool.add(call.raw)
        await spool_rest(spool, receive, self.around.server.max_stream_bytes)

    async def _admit(self, call: Call) -> None:
        """Steps 3 and 4: who calls, and may they; asked again while a stream is open."""
        call.caller = await self._identify(call)
        ACTING.set(Acting(call.caller.actor.id, call.request_id))
        if self._in_space:
            await self._enter_space(call)
        self._check_access(call)

    async def _identify(self, call: Call) -> Caller:
        """Step 3: who calls."""
        header = call.headers.get(b"authorization")
        if self.route.stream and call.query.ticket is not None:
            actor = await self._ticket_holder(call, call.query.ticket)
        else:
            actor = ANONYMOUS if header is None else await self._authenticate(bearer_token(header))
        accepted = call.headers.get(b"accept-language")
        wanted = () if accepted is None else languages(accepted)
        return Caller(actor=actor, request_id=call.request_id, languages=wanted)

    async def _ticket_holder(self, call: Call, ticket: str) -> Actor:
        """Return who a ticket stands for; it is used up by the first question."""
        tickets = self.core.accounts.tickets
        if call.credential is None:
            call.credential = await tickets.redeem(ticket)
            return call.credential
        return await tickets.renew(call.credential)

    async def _authenticate(self, token: str) -> Actor:
        """Return who is behind a token; that of a monitoring system is known on its routes only."""
        expected = self.around.server.metrics_token
        if expected and self.route.permission is MONITORING and compare_digest(token, expected):
            return _MONITOR
        return await self.core.authenticator.authenticate(token)

    async def _enter_space(self, call: Call) -> None:
        """Step 4, first half: the space must exist, be visible to the caller, and have the route's plugin active."""
        actor = call.caller.actor
        space = await self.core.registry.find_space(call.path["space"])
        plugin = self.route.plugin
        snapshot = None if space is None else await self.core.snapshots.get(space)
        if self._action is not None and actor is ANONYMOUS and not (snapshot and snapshot.allows(actor, self._action)):
            raise Unauthenticated("Log in first.")
        if space is None or snapshot is None:
            raise NotFound
        if not (self._is_public or snapshot.sees_space(actor) or await self._is_let_in(call, space, snapshot)):
            raise NotFound
        if plugin and plugin not in space.plugins:
            raise NotFound
        if self._action is not None and not snapshot.allows(actor, self._action):
            raise Forbidden(f"This needs the permission {self._action}.")
        call.space = space

    async def _is_let_in(self, call: Call, space: Space, snapshot: Snapshot) -> bool:
        """Tell whether somebody lets the caller do something with an entry of a space that they do not see.

        A link is looked at by its route, which gives nobody anything else.
        """
        if not self.route.plugin and any(getattr(call.query, name, None) for name in ("share", "preview")):
            return True
        return bool(await self.core.shared_rights.rights_of(call.caller.actor, space, snapshot))

    def _check_access(self, call: Call) -> None:
        """Step 4, second half: what is not a space's to decide."""
        permission = self.route.permission
        if permission is PUBLIC:
            return
        actor = call.caller.actor
        if permission is BY_OPERATION or self._action is not None or actor is _MONITOR:
            return
        if actor.kind == "anonymous":
            raise Unauthenticated("Log in first.")
        if permission is not LOGGED_IN and not is_administrator(actor):
            raise Forbidden("Only administrators may do this.")

    async def _run(self, call: Call, *, is_anew: bool = False) -> Answer | LargeAnswer | Stream:
        """Steps 5 and 7: the route's own function; anew where a content type was deleted under it."""
        route = self.route
        try:
            if self._converts_body:
                result = await route.handler(call, convert_body(call.data, route.body))
            elif self._reads_body and route.body is None and call.data is not None:
                convert_body(call.data, _Nothing)
                result = await route.handler(call)
            else:
                result = await route.handler(call)
        except TableDropped:
            # Nothing was stored: entries are read before anything is, or in the same transaction.
            if is_anew or not self._may_begin_anew:
                raise
            await self.core.revisions.settled()
            await self._admit(call)
            return await self._run(call, is_anew=True)
        return result if isinstance(result, (Answer, LargeAnswer, Stream)) else Answer.json(result)

    async def _run_once(self, call: Call, key: bytes) -> Answer | LargeAnswer:
        """Step 6: carry out the first request with a key, repeat the answer to the others."""
        claimed = await claim(call, key, self.around.server)
        if isinstance(claimed, Answer):
            return await kept_answer(self.core.store, claimed) if isinstance(claimed, KeptElsewhere) else claimed
        call.claim = claimed
        store = self.core.store
        try:
            answer = cast("Answer | LargeAnswer", await self._run(call))  # only a GET streams, and no GET comes here
        except MaydanError as error:
            if claimed.is_under_way or status_of(error) in NOT_KEPT:
                await claimed.free(store)
            else:
                await claimed.keep(store, answer_of_error(error, call))
            raise
        except Exception:
            if claimed.is_under_way:
                await claimed.free(store)
            else:
                await claimed.keep(store, answer_of_error(Unexpected(), call))
            raise
        if not claimed.is_sealed:
            await claimed.keep(store, answer.head if isinstance(answer, LargeAnswer) else answer)
        return answer


def refuse(error: MaydanError, scope: HTTPScope, headers: dict[bytes, bytes], identity: str) -> Reply:
    """Return the reply for an error, in the languages of the request."""
    accepted = headers.get(b"accept-language")
    wanted = () if accepted is None else languages(accepted)
    return reply_to_error(error, path=scope["path"], request_id=identity, languages=wanted)


def is_administrator(actor: Actor) -> bool:
    """Tell whether the actor may administer the instance; a token of an administrator only if nothing narrows it."""
    scope = actor.scope
    unlimited = scope is None or (scope.space_key is None and scope.types is None and "*" in scope.actions)
    return actor.administrator and unlimited


class _Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a route that takes none: ``{}`` at most."""


def _query_parser(route: Route) -> QueryParser:
    """Return what makes ``call.query``; a route that reads ``call.pairs`` in its own function gets no other."""
    if route.parse is not None:
        return route.parse
    if route.query is AnyQuery:
        return lambda _: None
    return lambda pairs: convert_query(pairs, route.query)


def _without_parameters(parse: QueryParser) -> Any:
    """Return the query of a request without parameters, or ``None`` where one is required."""
    try:
        return parse([])
    except BadParameter:
        return None


def _check_ticket(call: Call) -> None:
    """Refuse a ticket beside another proof, or for what is no stream, before it is used up."""
    if b"authorization" in call.headers:
        raise BadParameter("Send either a ticket or an Authorization header.")
    if call.route.answer is not None and not call.wants_stream:
        raise BadParameter("A ticket opens a stream; ask for text/event-stream.")


def _refuse_body(headers: dict[bytes, bytes]) -> None:
    """Refuse a GET that brings a body: nothing that a client sends is ignored in silence."""
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
        raise Malformed("A GET request has no body.")
