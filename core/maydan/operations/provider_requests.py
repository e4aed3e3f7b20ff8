"""Requests to the providers through which people sign in, by the guarded client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.errors import Unavailable
from maydan.events.outbound import Outbound, OutboundFailed, UrlRefused, read_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME_S: Final = 10.0
_MOST_BYTES: Final = 256 * 1024


async def ask_provider(
    method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"", allow_private: bool
) -> tuple[int, bytes]:
    """Return the status and the body of a provider's answer.

    Each request has a connection of its own: logins are few, and whether a provider may be inside differs.

    Raises:
        Unavailable: There is no answer, or the URL leads where it may not.
    """
    outbound = Outbound(allow_private=allow_private)
    try:
        target = read_url(url, allow_private=allow_private)
        answered = await outbound.request(
            method, target, headers=headers, content=content, time_s=_TIME_S, body_bytes=_MOST_BYTES
        )
    except (OutboundFailed, UrlRefused) as error:
        raise Unavailable("The provider cannot be reached; try again later.", retry_after_s=30) from error
    finally:
        await outbound.close()
    return answered.status, answered.body
