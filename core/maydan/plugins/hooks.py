"""The typed door to the plugins: one method for each hook that somebody waits for.

Setup hooks are called by ``setup``, those that observe by ``observers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maydan.plugins.dispatcher import Dispatcher

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.accounts.mail import Mailer
    from maydan.accounts.settings import MailSettings
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.plugins.calls import CallFailed
    from maydan.plugins.declarations import Health
    from maydan.plugins.views import CommentState, EntryState


class Hooks:
    """Calls hooks; those with a space reach only the plugins that are active in it.

    The ``check_`` and ``transform_`` methods raise ``HookRefused`` or ``InvalidInput`` where a plugin says no,
    ``PluginFailed`` where one is faulty and ``PluginIsolated`` where one that must agree is isolated.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Call through this dispatcher."""
        self._dispatcher = dispatcher

    @classmethod
    def none(cls) -> Hooks:
        """Return the hooks of an instance without plugins."""
        return cls(Dispatcher())

    def listens(self, hook: str, space: Space) -> bool:
        """Tell whether any plugin of the space implements the hook, so that its arguments need to be made."""
        return self._dispatcher.listens(hook, space.plugins)

    async def transform_entry_input(
        self, space: Space, type: ContentType, data: dict[str, Any], actor: Actor
    ) -> dict[str, Any]:
        """Let plugins change an input; ``data`` itself stays as it is only if the caller copied it."""
        given = (space, type, data, actor)
        return await self._dispatcher.transform("transform_entry_input", space.plugins, given, 2)

    async def check_entry_create(self, space: Space, entry: EntryState, actor: Actor) -> None:
        """Let plugins refuse a new entry."""
        await self._dispatcher.veto("check_entry_create", space.plugins, (space, entry, actor))

    async def check_entry_update(self, space: Space, before: EntryState, after: EntryState, actor: Actor) -> None:
        """Let plugins refuse a new version."""
        await self._dispatcher.veto("check_entry_update", space.plugins, (space, before, after, actor))

    async def check_entry_publish(
        self, space: Space, entry: EntryState, locales: tuple[str, ...], actor: Actor
    ) -> None:
        """Let plugins refuse a publication."""
        await self._dispatcher.veto("check_entry_publish", space.plugins, (space, entry, locales, actor))

    async def check_entry_unpublish(
        self, space: Space, entry: EntryState, locales: tuple[str, ...], actor: Actor
    ) -> None:
        """Let plugins refuse to take a publication back."""
        await self._dispatcher.veto("check_entry_unpublish", space.plugins, (space, entry, locales, actor))

    async def check_entry_delete(self, space: Space, entry: EntryState, actor: Actor) -> None:
        """Let plugins refuse a deletion."""
        await self._dispatcher.veto("check_entry_delete", space.plugins, (space, entry, actor))

    async def check_entry_transition(
        self, space: Space, entry: EntryState, transition: str, to: str, actor: Actor
    ) -> None:
        """Let plugins refuse a step of a workflow."""
        await self._dispatcher.veto("check_entry_transition", space.plugins, (space, entry, transition, to, actor))

    async def check_comment_create(self, space: Space, comment: CommentState, entry: EntryState, actor: Actor) -> None:
        """Let plugins refuse a comment."""
        await self._dispatcher.veto("check_comment_create", space.plugins, (space, comment, entry, actor))

    async def collect_health(self) -> Mapping[str, Health | CallFailed]:
        """Ask every plugin how it is; where one could not say, the value is the fault."""
        return await self._dispatcher.collect("collect_health", None, ())

    async def collect_erasures(self, account_id: str, email: str, *, dry_run: bool) -> Mapping[str, int | CallFailed]:
        """Let every plugin erase a part of what it keeps about a person, or count it; by plugin how many rows."""
        return await self._dispatcher.collect("collect_erasures", None, (account_id, email, dry_run))

    def provide_mailer(self, settings: MailSettings) -> Mapping[str, Mailer]:
        """Ask every plugin whether it can send mail, and return the offers by plugin."""
        return self._dispatcher.provide("provide_mailer", (settings,))
