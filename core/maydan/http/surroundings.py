"""What all endpoints of a process share."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from maydan.events.settings import CacheSettings
from maydan.http.cors import Cors
from maydan.http.meters import Meters
from maydan.http.proxies import Proxies
from maydan.http.readiness import Readiness
from maydan.http.settings import StreamsSettings
from maydan.http.sharing import Sharing
from maydan.http.streams_frames import encode_change
from maydan.http.streams_open import OpenStreams
from maydan.operations.changes import ChangeFeed

if TYPE_CHECKING:
    from maydan.http.routing import Route
    from maydan.http.settings import LogSettings, ServerSettings
    from maydan.operations.core import Core


class Surroundings:
    """The services and settings that requests need, looked up once."""

    def __init__(
        self,
        core: Core,
        server: ServerSettings,
        log: LogSettings,
        streams: StreamsSettings | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        """Read the settings.

        Raises:
            ConfigurationError: A trusted proxy is neither an address nor a network.
        """
        self.core = core
        self.server = server
        self.meters = Meters()
        self.proxies = Proxies(server.trusted_proxies)
        self.cors = Cors(server.cors_origins) if server.cors_origins else None
        self.sharing = Sharing(cache or CacheSettings())
        self.logs_requests = log.requests
        self.statements: ContextVar[list[int]] | None = (
            getattr(core.store, "statements_counter", None) if server.development else None
        )
        """In development: the store adds one to the list's only number for each SQL statement."""
        self.readiness = Readiness(core)
        self.streams = self.meters.streams = OpenStreams(core, streams or StreamsSettings())
        self.feed = ChangeFeed(core, encode_change)
        """Tells the streams of all spaces' change feeds what happens."""
        self.routes: tuple[Route, ...] = ()
        """All that are served."""
        self.document = b""
        """The OpenAPI document of the instance, once somebody asked for it."""
        self.started_at = core.clock.now()
        self.is_stopping = False
        """Set when the process is asked to stop: from then on ``/health/ready`` says 503."""

    def begin_stop(self) -> None:
        """Say from now on that requests should go elsewhere, and end the streams, which never end by themselves."""
        self.is_stopping = True
        self.streams.stop()

    def count_statements(self) -> list[int] | None:
        """Begin to count the SQL statements of this request; ``None`` where nobody wants to know."""
        if self.statements is None:
            return None
        counter = [0]
        self.statements.set(counter)
        return counter
