"""Every error that Maydan raises on purpose.

MaydanError
    Malformed                   the request cannot be read                          (HTTP 400)
        UnsupportedMediaType    the body is not of the media type the route takes   (415)
        TooLarge                the body exceeds the limit                          (413)
        BadParameter            a query parameter is unknown or unreadable          (400)
            BadCursor           a cursor was altered or belongs to another query    (400)
    Unauthenticated             nobody is logged in, or the token is not valid      (401)
    NotFound                    it does not exist, or the caller may not see it     (404)
    Forbidden                   the caller may see it but not do this               (403)
        FieldForbidden          a field may be read but not written                 (403)
    PreconditionRequired        If-Match is missing                                 (428)
    Stale                       somebody else changed it first                      (412)
    InvalidInput                a field's value is not acceptable                   (422)
    Conflict                    the present state or a rule refuses                 (409)
        UniqueViolation         another entry holds the value or the slug
        LossyChange             the change would lose data
        IdempotencyRunning      the first request with this key is still running
        HookRefused             a plugin's veto hook said no
    TooManyRequests             faster than the limit                               (429)
    Unavailable                 try again later                                     (503)
        PoolExhausted           no database connection became free in time
        PluginFailed            a veto hook crashed or timed out
        PluginIsolated          a veto hook's plugin is switched off for its faults
    ConfigurationError          a setting is unknown, missing or of the wrong type  (command line)
    MigrationsPending           the database is older than the code                 (command line)
    PluginRejected              a plugin cannot be loaded                           (plugin state)
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class InputError(Struct, frozen=True):
    """One thing that is wrong with the input, and where."""

    pointer: str
    """RFC 6901 pointer into the body, such as ``/price/amount``; for a query parameter its name."""
    code: str
    message: str


class MaydanError(Exception):
    """Base of the tree: ``code`` is stable and for machines, ``detail`` is one sentence for people."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self, detail: str = "", *, code: str | None = None, errors: tuple[InputError, ...] = (), **facts: object
    ) -> None:
        """Keep what happened.

        Args:
            detail: What happened and what to do, one or two sentences.
            code: A more exact code than the class has.
            errors: Places in the input, for input errors.
            facts: Extension members of the problem (RFC 9457, section 3.2), such as ``allowed``.
        """
        super().__init__(detail or self.title)
        self.detail = detail
        self.error_code = code or self.code
        self.errors = errors
        self.facts = facts


class Malformed(MaydanError):
    """The request cannot be read."""

    code = "malformed"
    title = "The request cannot be read"


class UnsupportedMediaType(Malformed):
    """The body is not of the media type that the route takes."""

    code = "unsupported_media_type"
    title = "The media type is not supported"


class TooLarge(Malformed):
    """The body exceeds the limit."""

    code = "too_large"
    title = "The request body is too large"


class BadParameter(Malformed):
    """A query parameter is unknown or unreadable."""

    code = "bad_parameter"
    title = "A query parameter is not acceptable"


class BadCursor(BadParameter):
    """A cursor was altered, or belongs to another query."""

    code = "bad_cursor"
    title = "The cursor is not valid"


class Unauthenticated(MaydanError):
    """Nobody is logged in, or the token is not valid (any more)."""

    code = "unauthenticated"
    title = "Authentication is required"


class NotFound(MaydanError):
    """It does not exist, or the caller may not see it; the two look the same."""

    code = "not_found"
    title = "Not found"


class Forbidden(MaydanError):
    """The caller may see it, but not do this with it."""

    code = "forbidden"
    title = "Not allowed"


class FieldForbidden(Forbidden):
    """A field may be read but not written by this caller."""

    code = "field_forbidden"
    title = "A field may not be written"


class PreconditionRequired(MaydanError):
    """``If-Match`` is missing."""

    code = "precondition_required"
    title = "A precondition is required"


class Stale(MaydanError):
    """Somebody else changed it first."""

    code = "stale"
    title = "It was changed in the meantime"


class InvalidInput(MaydanError):
    """A field's value is not acceptable; ``errors`` says which and why."""

    code = "invalid_input"
    title = "The input is not acceptable"


class Conflict(MaydanError):
    """The present state, or a business rule, refuses."""

    code = "conflict"
    title = "The present state does not allow this"


class UniqueViolation(Conflict):
    """Another entry holds the value or the slug."""

    code = "unique_violation"
    title = "The value is taken"


class LossyChange(Conflict):
    """The change would lose data, and that was not allowed explicitly."""

    code = "lossy_change"
    title = "The change would lose data"


class IdempotencyRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_running"
    title = "The first request with this key is still running"


class HookRefused(Conflict):
    """A plugin's veto hook said no; raised by plugins."""

    code = "refused"
    title = "A rule refused the change"


class TooManyRequests(MaydanError):
    """Faster than the limit; ``facts["retry_after_s"]`` says when to try again."""

    code = "too_many_requests"
    title = "Too many requests"


class Unavailable(MaydanError):
    """Try again later; ``facts["retry_after_s"]`` says when."""

    code = "unavailable"
    title = "Temporarily unavailable"


class PoolExhausted(Unavailable):
    """No database connection became free in time."""

    code = "pool_exhausted"
    title = "The database is busy"


class PluginFailed(Unavailable):
    """A veto hook crashed or timed out, so the write was refused and nothing is stored."""

    code = "plugin_error"
    title = "A plugin failed"


class PluginIsolated(Unavailable):
    """A veto hook's plugin is switched off because of its faults; its checks fail closed."""

    code = "plugin_isolated"
    title = "A plugin is isolated"


class ConfigurationError(MaydanError):
    """A setting is unknown, missing or of the wrong type: one line per problem in ``detail``."""

    code = "configuration"
    title = "The configuration is not acceptable"


class MigrationsPending(MaydanError):
    """The database is older than the code; ``maydan migrate`` brings it up to date."""

    code = "migrations_pending"
    title = "Migrations are pending"


class PluginRejected(MaydanError):
    """A plugin cannot be loaded; ``detail`` is the reason that ``maydan plugins list`` shows."""

    code = "plugin_rejected"
    title = "The plugin cannot be loaded"
