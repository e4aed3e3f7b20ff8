"""What plugins hand over at start, besides content types and importers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from maydan.access.policies import PolicyInput
    from maydan.events.jobs import Job
    from maydan.storage.ports import Statement


class Route(Protocol):
    """What the host looks at of an HTTP route; ``maydan.plugin.route`` makes them.

    A route states who may call it: a permission, or that it is public.
    """

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""
        ...

    @property
    def path(self) -> str:
        """The whole path, such as ``/api/spaces/{space}/blog/feed``."""
        ...

    @property
    def permission(self) -> object:
        """Who may call it: an action in the space, or a marker such as ``PUBLIC``; never ``None``."""
        ...


class Role(Struct, frozen=True, kw_only=True):
    """A role that a plugin offers to every space in which it is active."""

    name: str
    """``<plugin>.<role>``, such as ``blog.author``."""
    title: str
    policies: tuple[PolicyInput, ...]
    inherits: tuple[str, ...] = ()
    """Roles whose rights it has as well, such as ``member``."""


class DemoEntry(Struct, frozen=True, kw_only=True):
    """One entry of the demo."""

    type: str
    key: str
    """Unique within the plugin; relations to other demo entries are written as ``{"$demo": key}``."""
    data: dict[str, Any]
    """The input as over HTTP, locale maps included."""
    publish: bool = True


class DemoContent(Struct, frozen=True, kw_only=True):
    """Entries for one space of the demo, in the order in which they are written."""

    entries: tuple[DemoEntry, ...]
    space: str = "demo"


class JobKind(Struct, frozen=True, kw_only=True):
    """A kind of jobs that a plugin does."""

    name: str
    """``<plugin>.<word>``, such as ``blog.digest``."""
    run: Callable[[Any, Job, Statement], Coroutine[Any, Any, None]]
    """An async function ``(core, job, done)`` that does one. Storing ``done`` with the effect makes the two one commit;
    without that it is stored afterwards, and may be done again after a crash. An error means: try again."""
    cron: str | None = None
    """Five fields, such as ``0 3 * * *``: then it is done at every tick, once over all workers."""
    timezone: str = "UTC"
    """IANA name of the zone in which ``cron`` is meant."""


class Health(Struct, frozen=True, kw_only=True):
    """How a plugin is doing."""

    status: Literal["ok", "degraded", "down"] = "ok"
    detail: str = ""
    """One sentence, without secrets."""
    facts: dict[str, int | float | str | bool] = field(default_factory=dict[str, int | float | str | bool])
    """Numbers that an operator wants to see, units in the names."""
