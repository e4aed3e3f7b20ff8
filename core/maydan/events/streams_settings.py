"""Settings of the streams that a worker keeps open."""

from __future__ import annotations

from msgspec import Struct


class StreamsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[streams]`` in ``maydan.toml``."""

    heartbeat_s: float = 15.0
    """Seconds of silence after which a comment line is sent, so that proxies and clients know that the stream lives."""
    retry_ms: int = 2000
    """Milliseconds after which a client that lost the stream should ask again."""
    max_per_worker: int = 5000
    """Streams that one worker keeps open; more are refused with 503. Never more than half of its file descriptors."""
    max_per_account: int = 1000
    """Streams of one account in one worker; more are refused with 429."""
    max_per_address: int = 1000
    """Streams from one network address that nobody is logged in on, in one worker; more are refused with 429."""
    buffer_bytes: int = 256 * 1024
    """What may wait for one slow reader; one with more is cut off, and asks again from where it was."""
    stall_s: float = 10.0
    """Seconds for which a reader may take nothing while something waits for it; then it is cut off."""
    recheck_s: float = 60.0
    """Seconds after which the caller of a stream is identified again, should nothing have changed earlier."""
    ticket_s: int = 30
    """Seconds for which a ticket is good."""
