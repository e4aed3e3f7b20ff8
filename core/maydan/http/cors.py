"""Cross-origin requests (the Fetch standard): which origins' scripts may call, by list."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

EXPOSED: Final = (
    "Content-Language, ETag, Idempotency-Replayed, Link, Location, RateLimit-Limit, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After, X-DB-Statements, X-Request-Id"
)
"""Headers that scripts of other origins may read."""
MAX_AGE_S: Final = 600
_ANY: Final = "*"


class Cors:
    """The origins that may call. Cookies play no part in the API, so none are allowed to be sent along."""

    __slots__ = ("_origins",)

    def __init__(self, origins: Collection[str]) -> None:
        """Allow these origins; ``*`` stands for all."""
        self._origins = frozenset(origin.rstrip("/") for origin in origins)

    def headers(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Return what is added to an answer for a script of this origin; only ``Vary`` where it is not allowed."""
        if _ANY in self._origins:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED.encode())]
        if origin.decode("latin-1") not in self._origins:
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED.encode()),
            (b"vary", b"Origin"),
        ]

    def preflight(self, headers: dict[bytes, bytes], methods: str) -> list[tuple[bytes, bytes]]:
        """Return what is added to the answer of ``OPTIONS``; nothing is allowed to an origin that is not listed.

        Args:
            headers: The request's.
            methods: What the path allows, separated by commas.
        """
        origin = headers.get(b"origin")
        if origin is None:
            return []
        answer = self.headers(origin)
        if answer[0][0] == b"vary" or b"access-control-request-method" not in headers:
            return answer
        answer += [
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-max-age", str(MAX_AGE_S).encode()),
        ]
        wanted = headers.get(b"access-control-request-headers")
        if wanted:
            answer.append((b"access-control-allow-headers", wanted))
        return answer
