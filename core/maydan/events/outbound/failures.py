"""Why a request to another server got no answer."""

from __future__ import annotations

from typing import Final, Literal

Reason = Literal["name", "inward", "connect", "tls", "timeout", "broken"]

_WORDS: Final[dict[Reason, str]] = {
    "name": "The host's name could not be resolved.",
    "inward": "The host's name leads into a private or reserved network; nothing was sent.",
    "connect": "No connection could be made.",
    "tls": "No secure connection could be made: the certificate or the protocol was not acceptable.",
    "timeout": "There was no answer in time.",
    "broken": "The connection broke, or what came back was not HTTP.",
}


class OutboundFailed(Exception):
    """There is no answer. The message tells nothing of addresses, so it may be shown to whoever gave the URL.

    Attributes:
        reason: Which of the few kinds of failure it was.
    """

    def __init__(self, reason: Reason) -> None:
        """Keep the reason; the message follows from it."""
        super().__init__(_WORDS[reason])
        self.reason: Reason = reason
