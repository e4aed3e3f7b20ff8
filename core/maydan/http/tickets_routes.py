"""Tickets for streams: a browser's ``EventSource`` cannot send a header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.http.answers import Answer, Cache
from maydan.http.routing import LOGGED_IN, Route, route

if TYPE_CHECKING:
    from maydan.http.call import Call


class TicketView(Struct, frozen=True, kw_only=True):
    """A ticket, shown this once."""

    ticket: str
    expires_in: int
    """Seconds for which it is good."""


@route("POST", "/api/auth/tickets", permission=LOGGED_IN, answer=TicketView, secret_answer=True, tags=("accounts",))
async def create_ticket(call: Call) -> Answer:
    """Get a ticket with which to open one stream, as ``?ticket=``, within 30 seconds.

    It stands for the caller's session or API token; the stream ends when that does.
    """
    lifetime_s = call.around.streams.settings.ticket_s
    ticket = await call.core.accounts.tickets.issue(call.actor, lifetime_s=lifetime_s)
    return Answer.json(TicketView(ticket=ticket, expires_in=lifetime_s), cache=Cache.SECRET)


ROUTES: Final[tuple[Route, ...]] = (create_ticket,)
