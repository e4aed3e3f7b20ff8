"""Explain what somebody may do and why, by the decisions that requests get; and try it for roles that nobody has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET, UnsetType, structs

from maydan.access.actions import ANY, ANY_TRANSITION, READING, SPACE_LEVEL, WRITING, Action, is_action
from maydan.access.actors import ANONYMOUS, Actor
from maydan.access.conditions import ACTOR_ID
from maydan.access.decisions import DENIED
from maydan.access.explaining import Reason, Seen, Whom, is_known, reasons_for, reasons_in_space
from maydan.access.policies import Role
from maydan.content.types import SYSTEM_FIELDS
from maydan.errors import Forbidden, InputError, NotFound, Unauthenticated
from maydan.operations.core import Caller
from maydan.operations.entries.loading import load_visible
from maydan.operations.entries.views import newest_document, reading_action
from maydan.operations.explanations import (
    Explanation,
    ImaginedActor,
    Misasked,
    Question,
    ShareView,
    barred,
    explanation,
)
from maydan.operations.rendering import all_members, document_keys
from maydan.operations.scopes import Scope, scope_of, shared_for
from maydan.operations.snapshots import brought_roles
from maydan.storage.documents import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.decisions import Answer, Decision
    from maydan.access.snapshot import Snapshot
    from maydan.content.conditions import Condition
    from maydan.content.spaces import Space
    from maydan.operations.core import Core
    from maydan.storage.entries import EntryRow

_BY_FIELD: Final = READING | WRITING
_UNKNOWN: Final = "A condition decides that you may not know."


async def explain(
    core: Core,
    caller: Caller,
    space: Space,
    question: Question,
    *,
    user: str | None = None,
    roles: tuple[str, ...] = (),
) -> Explanation:
    """Say what an account, or somebody who has roles, may do; by default the caller.

    Raises:
        Misasked: The question makes no sense.
        Unauthenticated: Nobody is logged in.
        Forbidden: It is about somebody else, and the caller does not manage roles.
        NotFound: There is no such type, entry or member that the caller may see.
    """
    if caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in to ask what you may do.")
    snapshot = await core.snapshots.get(space)
    if user is not None and roles:
        raise Misasked(InputError("role", "not_both", "Ask about a user or about roles, not about both."))
    own = not roles and user in (None, caller.actor.id)
    manages = snapshot.allows(caller.actor, Action.MANAGE_ROLES)
    if not own and not manages:
        raise Forbidden("To ask about others needs the permission manage:roles.")
    actor: Actor | None = caller.actor
    if roles:
        actor = _imagined(snapshot, roles, UNSET, "role")
    elif user is not None and not own:
        actor = await _find_actor(core, caller, space, user)
    return await _answer(core, caller, space, question, actor, own=own, full=manages, is_imagined=bool(roles))


async def simulate(
    core: Core, caller: Caller, space: Space, question: Question, imagined: ImaginedActor
) -> Explanation:
    """Say what somebody with these roles and attributes could do by policies alone; the caller manages roles.

    Raises:
        Misasked: The question makes no sense, or names a role that the space does not have.
        NotFound: There is no such type or entry that the caller may see.
    """
    snapshot = await core.snapshots.get(space)
    actor = _imagined(snapshot, imagined.roles, imagined.attrs.id, "actor/roles")
    return await _answer(core, caller, space, question, actor, own=False, full=True, is_imagined=True)


def _imagined(snapshot: Snapshot, roles: tuple[str, ...], identity: str | UnsetType, place: str) -> Actor:
    known = snapshot.role_names
    for number, role in enumerate(roles):
        if role not in known:
            where = f"{place}/{number}" if "/" in place else place
            raise Misasked(InputError(where, "unknown_role", f"The space has no role {role!r}."))
    if roles == (Role.ANONYMOUS,):
        return ANONYMOUS
    return Actor(
        kind="account",
        # The variable stands for itself: the answer then says for whom it holds, and no entry is that person's own.
        id=ACTOR_ID if identity is UNSET else identity,
        administrator=Role.ADMINISTRATOR in roles,
        roles={snapshot.space_key: frozenset(roles) - {Role.ADMINISTRATOR.value, Role.ANONYMOUS.value}},
    )


async def _find_actor(core: Core, caller: Caller, space: Space, user: str) -> Actor | None:
    """Return a member of the space, or ``None`` for one who may not sign in; administrators may ask about anybody."""
    anybody = caller.actor.administrator or caller.actor.kind == "system"
    known = await (core.accounts.people.find(user) if anybody else core.accounts.members.find(space.key, user))
    if known is None:
        raise NotFound
    return await core.authenticator.of_account(user)


async def _answer(
    core: Core,
    caller: Caller,
    space: Space,
    question: Question,
    actor: Actor | None,
    *,
    own: bool,
    full: bool,
    is_imagined: bool,
) -> Explanation:
    _check_action(question)
    snapshot = await core.snapshots.get(space)
    if actor is None:
        return barred()
    roles = await core.accounts.roles.load(space.key, brought_roles(core.host, space))
    whom = Whom(actor=actor, snapshot=snapshot, inherits=roles.inherits, now=core.clock.now())
    if question.type is None:
        return _in_space(whom, question.action, full=full)
    scope = await scope_of(core, caller, space, question.type)
    if not full and not scope.may_anything:
        raise NotFound
    _check_field(question, scope, full=full)
    entry = None if question.id is None else await load_visible(scope, question.id)
    about = Scope(core, Caller(actor=actor), space, scope.type, snapshot)
    if not is_imagined:  # also under a real person's id: what was shared with them is theirs
        await about.load_shared_rights()
    if actor.scope is not None and not actor.scope.admits(space.key, question.action, scope.type.name):
        return explanation("deny", "The token is not for this.", [], None, full=full)
    if entry is None:
        return _judged(whom, about, question, None, own=own, full=full)
    hidden = await _is_hidden(about, entry)
    if not _has_document(question.action, scope, entry):
        return explanation("deny", "The entry is not published in the space's main language.", [], None, full=full)
    seen = _seen(scope, question.action, entry)
    if question.action not in READING and not own and not _sight_is_known(about, scope, entry):
        return _unless_hidden(_judged(whom, about, question, seen, own=own, full=full))
    if hidden and question.action not in READING:
        shares = _shares(about, question, seen, own=own, full=full)
        sentence = "Whoever may not see an entry may do nothing with it."
        return explanation("deny", sentence, [], None, shares=shares, full=full)
    return _judged(whom, about, question, seen, own=own, full=full)


def _unless_hidden(found: Explanation) -> Explanation:
    """Leave open what holds only for an entry that the actor sees, where the caller may not know whether they do."""
    if found.decision != "allow":
        return found
    return structs.replace(found, decision="conditional", reason=_UNKNOWN)


def _judged(whom: Whom, about: Scope, question: Question, seen: Seen | None, *, own: bool, full: bool) -> Explanation:
    decision = about.decide(question.action)
    allowed = decision.row_condition() if question.field is None else decision.condition_for(question.field)
    verdict = _verdict(decision, allowed, seen, question.field, own=own)
    reasons = reasons_for(whom, question.action, about.type, field=question.field, seen=seen)
    shares = [] if seen is None else _shares(about, question, seen, own=own, full=full)
    shown = None if allowed is DENIED else allowed
    sentence = _sentence(verdict, reasons, shares, question.id)
    return explanation(verdict, sentence, reasons, shown, shares=shares, full=full)


def _shares(about: Scope, question: Question, seen: Seen, *, own: bool, full: bool) -> list[ShareView]:
    """Return the shares that give the action on the entry, each with what it comes to by its maker's rights now."""
    entry_id, found = str(seen.document["id"]), list[ShareView]()
    for shared in shared_for(about, question.action, entry_id):
        part = about.decide_shared(shared, question.action)
        allowed = part.row_condition() if question.field is None else part.condition_for(question.field)
        outcome, why = _OUTCOMES[_verdict(part, allowed, seen, question.field, own=own)]
        found += [
            ShareView(
                id=share, rights=shared.rights, created_by=shared.maker.id if full else None, outcome=outcome, why=why
            )
            for share, of_entry in shared.shares
            if of_entry == entry_id
        ]
    return found


_OUTCOMES: Final[dict[str, tuple[Literal["applies", "conditional", "does_not_apply"], str]]] = {
    "allow": ("applies", "Gives it, by the rights of its maker."),
    "conditional": ("conditional", "Gives it where the conditions of its maker's rights hold."),
    "deny": ("does_not_apply", "Would give it, but its maker may not do it now, or a policy denies it to them."),
}


def _sight_is_known(about: Scope, scope: Scope, entry: EntryRow) -> bool:
    """Tell whether the caller may know all that decides if the actor sees an entry, in whichever of its locales."""
    for perspective, locale in document_keys(scope.type, scope.space, entry):
        action = Action.READ if perspective == PUBLISHED else Action.READ_DRAFT
        decision = about.decide(action)
        if decision.denied:
            continue
        document = all_members(scope.type, scope.space, entry, perspective, locale)
        if not is_known(decision.row, Seen(document, scope.decide(action).fields_for(document))):
            return False
    return True


async def _is_hidden(about: Scope, entry: EntryRow) -> bool:
    """Tell whether the entry is not there for the actor; also reads what conditions through relations look at."""
    try:
        await load_visible(about, entry.id)
    except NotFound:
        return True
    return False


def _in_space(whom: Whom, action: str, *, full: bool) -> Explanation:
    actor, snapshot = whom.actor, whom.snapshot
    if actor.scope is not None and not actor.scope.admits(snapshot.space_key, action, None):
        return explanation("deny", "The token is not for this.", [], None, full=full)
    verdict = "allow" if snapshot.allows(actor, action) else "deny"
    reasons = reasons_in_space(whom, action)
    return explanation(verdict, _sentence(verdict, reasons), reasons, None, full=full)


def _check_action(question: Question) -> None:
    action = question.action
    if not is_action(action) or action in (ANY, ANY_TRANSITION):
        raise Misasked(InputError("action", "unknown_action", "There is no such action."))
    if action in SPACE_LEVEL and question.type is not None:
        raise Misasked(InputError("type", "not_about_types", f"{action} is not about one type; leave it out."))
    if question.type is None:
        if action not in SPACE_LEVEL and "." not in action:
            raise Misasked(InputError("type", "missing", f"{action} is about a type; name one."))
        wrong = next((name for name in ("id", "field") if getattr(question, name) is not None), None)
        if wrong is not None:
            raise Misasked(InputError(wrong, "needs_a_type", "It needs a type beside it."))
    if action == Action.CREATE and question.id is not None:
        raise Misasked(InputError("id", "not_about_entries", "What is created is not there yet; leave it out."))
    if question.field is not None and action not in _BY_FIELD:
        raise Misasked(
            InputError("field", "not_about_fields", f"{action} is about the entry as a whole; leave it out.")
        )


def _check_field(question: Question, scope: Scope, *, full: bool) -> None:
    """Refuse a field that is not there, and with the same words one of which the caller may not know."""
    name = question.field
    if name is None or name in SYSTEM_FIELDS:
        return
    if scope.type.field(name) is None or not (full or name in scope.known_fields):
        raise Misasked(InputError("field", "unknown_field", "The type has no such field."))


def _has_document(action: str, scope: Scope, entry: EntryRow) -> bool:
    """Whether there is anything of the entry that the action is judged by."""
    if action != Action.READ:
        return True
    return (PUBLISHED, scope.space.default_locale) in document_keys(scope.type, scope.space, entry)


def _seen(scope: Scope, action: str, entry: EntryRow) -> Seen:
    """Return what the action is judged by, and which of its fields the caller may read."""
    space, locale = scope.space, scope.space.default_locale
    if action == Action.READ:
        document = all_members(scope.type, space, entry, PUBLISHED, locale)
        reading = scope.decide(Action.READ)
    else:
        document = newest_document(scope.type, space, entry, locale)
        reading = scope.decide(reading_action(scope.type))
    return Seen(document, reading.fields_for(document))


def _verdict(
    decision: Decision,
    allowed: Condition | Literal[Answer.DENIED] | None,
    seen: Seen | None,
    field: str | None,
    *,
    own: bool,
) -> Literal["allow", "deny", "conditional"]:
    """Judge; about others only by what the caller may read, about oneself as the request itself would tell."""
    if allowed is DENIED:
        return "deny"
    if allowed is None:
        return "allow"
    if seen is None or not (own or is_known(allowed, seen)):
        return "conditional"
    granted = decision.permits(seen.document) if field is None else field in decision.fields_for(seen.document)
    return "allow" if granted else "deny"


def _sentence(verdict: str, reasons: list[Reason], shares: Sequence[ShareView] = (), entry: str | None = None) -> str:
    applying = [reason for reason in reasons if reason.outcome == "applies"]
    if verdict == "conditional":
        return "A condition decides: name an entry." if entry is None else _UNKNOWN
    if verdict == "allow":
        names = sorted({reason.policy.role for reason in applying if reason.policy.effect == "allow"})
        names += ["a share"] if any(share.outcome == "applies" for share in shares) else []
        return f"Allowed by {', '.join(names)}." if names else "Allowed, for what the entry holds."
    names = sorted({reason.policy.role for reason in applying if reason.policy.effect == "deny"})
    if names and any(reason.policy.effect == "allow" for reason in reasons):
        return f"Denied by {', '.join(names)}: a denial wins."
    return "No policy of these roles allows it, and what nothing allows is denied."
