"""What a webhook may be told to be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from maydan.errors import InputError, InvalidInput, NotFound
from maydan.events.kinds import UNSENT
from maydan.events.outbound import OutboundFailed, UrlRefused, read_url
from maydan.operations.scopes import scope_of

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core

_RESOLVE_S: Final = 2.0
_MOST: Final = 100
"""Events, or types, of one webhook."""


async def check_url(core: Core, url: str) -> str:
    """Return the URL in its normal form.

    The name is resolved, and what leads inward is refused; one that has no address now may have one later, and is
    judged anew with every connection.

    Raises:
        InvalidInput: It is none of a web server outside; with a pointer to ``/url``.
    """
    outbound = core.outbound
    try:
        target = read_url(url, allow_private=outbound.allow_private)
    except UrlRefused as error:
        raise _refused("/url", error.code, str(error)) from error
    try:
        async with asyncio.timeout(_RESOLVE_S):
            await outbound.door.addresses(target.host, target.port)
    except TimeoutError:
        pass
    except OutboundFailed as error:
        if error.reason == "inward":
            message = "must not lead into a private or reserved network"
            raise _refused("/url", "inward_address", message) from error
    return target.url


def check_events(core: Core, space: Space, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of events, each once.

    Raises:
        InvalidInput: There are none, or some that the space does not have or send; with a pointer to each.
    """
    known = core.host.event_types(space).keys() - UNSENT
    errors = [
        InputError(f"/events/{place}", "unknown_event", "is no event of this space")
        for place, name in enumerate(names[:_MOST])
        if name not in known
    ]
    return _checked("/events", names, errors)


async def check_types(core: Core, caller: Caller, space: Space, names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names of content types, each once; None for all.

    Raises:
        InvalidInput: There are none, or some that the caller does not see; with a pointer to each.
    """
    if names is None:
        return None
    errors = [
        InputError(f"/types/{place}", "unknown_type", "is no type of this space")
        for place, name in enumerate(names[:_MOST])
        if not await _sees(core, caller, space, name)
    ]
    return _checked("/types", names, errors)


async def _sees(core: Core, caller: Caller, space: Space, name: str) -> bool:
    try:
        scope = await scope_of(core, caller, space, name)
    except NotFound:
        return False
    return scope.may_anything or scope.manages_types


def _checked(pointer: str, names: Sequence[str], errors: list[InputError]) -> tuple[str, ...]:
    if not names:
        raise _refused(pointer, "too_few", "must have at least 1 items")
    if len(names) > _MOST:
        raise _refused(pointer, "too_many", f"must have at most {_MOST} items")
    if errors:
        raise InvalidInput("The webhook is not acceptable.", errors=tuple(errors))
    return tuple(dict.fromkeys(names))


def _refused(pointer: str, code: str, message: str) -> InvalidInput:
    return InvalidInput("The webhook is not acceptable.", errors=(InputError(pointer, code, message),))
