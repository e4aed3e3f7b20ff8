"""The subscriber that tells plugins, after commit and from the log, what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from maydan.content.spaces import Space
    from maydan.operations.core import Core
    from maydan.storage.log import LoggedEvent

NAME: Final = "plugins"


class Observers:
    """Calls the observe hooks of the plugins that are active in an event's space."""

    def __init__(self, core: Core) -> None:
        """Tell the plugins of this process."""
        self._core = core
        hooks = core.hooks
        self._hooks: dict[str, Callable[[Space, LoggedEvent], Awaitable[None]]] = {
            "entry.created": hooks.entry_created,
            "entry.updated": hooks.entry_updated,
            "entry.published": hooks.entry_published,
            "entry.unpublished": hooks.entry_unpublished,
            "entry.deleted": hooks.entry_deleted,
            "entry.restored": hooks.entry_restored,
            "comment.created": hooks.comment_created,
        }

    @property
    def name(self) -> str:
        """The subscriber's name in the log's positions."""
        return NAME

    async def handle(self, event: LoggedEvent) -> None:
        """Tell the plugins; each one's faults stay with it, so this never fails for one."""
        hook = self._hooks.get(event.type)
        if hook is None or event.space_key is None:
            return
        space = next((space for space in self._core.registry.spaces() if space.key == event.space_key), None)
        if space is not None and self._core.hooks.listens(event.type.replace(".", "_"), space):
            await hook(space, event)
