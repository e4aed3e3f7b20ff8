"""What a transition does to an entry besides its state: fields are set, and it is published or unpublished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from maydan.clock import to_text
from maydan.content.render import content_locales
from maydan.content.types import SetFields
from maydan.content.values import read_input
from maydan.operations import publication
from maydan.operations.entries.completeness import require_complete
from maydan.operations.entries.input import changed_names
from maydan.storage.entries import Changes, changed
from maydan.workflow.checking import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.content.types import Transition
    from maydan.operations.scopes import Scope
    from maydan.storage.entries import EntryRow


class Outcome(Struct, frozen=True, kw_only=True):
    """An entry after a transition, and what else happened to it."""

    after: EntryRow
    fields: tuple[str, ...] = ()
    """Names of those that got another value."""
    published: tuple[str, ...] = ()
    """Locales that readers now get as they are."""
    unpublished: tuple[str, ...] = ()
    """Locales that readers get no more."""


def outcome_of(scope: Scope, before: EntryRow, step: Transition, *, at: datetime) -> Outcome:
    """Return what a transition makes of an entry.

    Raises:
        InvalidInput: It would publish, or be stored without drafts, while a required field has no value.
    """
    body = _body_after(scope, before, step, at)
    changes = Changes(state=step.to) if body == before.body else Changes(state=step.to, body=body)
    after = changed(before, changes, at=at, by=scope.caller.actor.id)
    fields = tuple(changed_names(scope.type, before.body, after.body))
    if "publish" in step.effects:
        return _published(scope, after, fields, at)
    if "unpublish" in step.effects and after.published is not None:
        locales = tuple(after.published.locales)
        gone = structs.replace(after, published=publication.unpublish(scope.type, after.published, locales))
        return Outcome(after=gone, fields=fields, unpublished=locales)
    return Outcome(after=after, fields=fields)


def _body_after(scope: Scope, before: EntryRow, step: Transition, at: datetime) -> dict[str, Any]:
    body = before.body
    for effect in step.effects:
        if isinstance(effect, SetFields):
            data = {name: to_text(at) if value == NOW else value for name, value in effect.set.items()}
            body = read_input(scope.type, scope.space, data, base=body, locale=None, replace=False)
    if body is not before.body and not scope.type.drafts:
        require_complete(scope, body, (scope.space.default_locale,))
    return body


def _published(scope: Scope, entry: EntryRow, fields: tuple[str, ...], at: datetime) -> Outcome:
    locales = content_locales(scope.type, scope.space, entry.body)
    shown = tuple(entry.published.locales) if entry.published else ()
    require_complete(scope, entry.body, locales, shown=shown)
    made_public = publication.publish(scope.type, entry, locales, at=at)
    return Outcome(after=structs.replace(entry, published=made_public), fields=fields, published=locales)
