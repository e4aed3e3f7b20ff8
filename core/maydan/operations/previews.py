"""Previews: a signed link to the draft of one entry, for a while."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from maydan.access.actors import token_of
from maydan.access.shared_rights import SharedRight
from maydan.clock import to_text
from maydan.errors import NotFound, Unauthenticated
from maydan.ids import is_id, new_id
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.loading import find_any, load, permits
from maydan.operations.entries.views import reading_action
from maydan.storage.acting import change_statement
from maydan.storage.ports import GuardFailed
from maydan.storage.references import target_guard
from maydan.storage.shares import Preview, delete_preview, find_preview, insert_preview

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maydan.operations.scopes import Scope
    from maydan.storage.ports import Statement

DEFAULT_S: Final = 3600
_PREFIX: Final = "mdn_pv_"
_KEY_ID: Final = b"\x01"
"""Which key signed a token; another one begins with another byte."""
_ID_BYTES: Final = 16
_LENGTH: Final = 1 + _ID_BYTES + 32


class PreviewView(Struct, frozen=True, kw_only=True):
    """A preview, without what it takes to use it."""

    id: str
    created_at: str
    created_by: str
    """By whose rights it goes: never more than they have at the moment."""
    expires_at: str


class NewPreviewView(PreviewView, frozen=True, kw_only=True):
    """A preview that was just made."""

    token: str
    """For ``?preview=``; shown this once."""


async def create_preview(
    scope: Scope,
    id_or_slug: str,
    read_seconds: Callable[[], int],
    *,
    seal: Callable[[NewPreviewView], Sequence[Statement]] | None = None,
) -> NewPreviewView:
    """Make a link with which anybody reads the draft of an entry, as long as its maker may read it.

    Raises:
        NotFound, Unauthenticated, Forbidden: The caller may not read the entry's draft by their own rights.
    """
    action = reading_action(scope.type)
    entry = await load(scope, action, id_or_slug)
    actor, now = scope.caller.actor, scope.core.clock.now()
    if actor.id is None:
        raise Unauthenticated("A preview goes by the rights of an account; log in first.")
    if not permits(scope, scope.own(action), entry):
        scope.refuse(action)
    preview = Preview(
        id=new_id(), space_key=scope.space.key, type_key=scope.type.key, entry_id=entry.id, maker_id=actor.id,
        maker_scope=actor.scope, maker_token=token_of(actor), created_at=now,
        expires_at=now + timedelta(seconds=read_seconds()),
    )  # fmt: skip
    token = sign(scope.core.secret, preview.id)
    view = NewPreviewView(**asdict(_view(preview)), token=token)
    held = target_guard(scope.space.key, [entry.id])
    made = [*insert_preview(preview), _noted(scope, preview, "created")]
    try:
        await scope.core.store.commit([*held, *made, *(seal(view) if seal else ())])
    except GuardFailed as error:
        if error.index >= len(held):
            raise
        raise NotFound from error
    return view


async def read_preview(scope: Scope, id_or_slug: str, preview_id: str) -> PreviewView:
    """Return a preview to its maker, and to who manages the space, for as long as they may end it.

    Raises:
        NotFound, Unauthenticated, Forbidden: As when it is ended.
    """
    return _view(await _find(scope, id_or_slug, preview_id))


async def end_preview(scope: Scope, id_or_slug: str, preview_id: str) -> None:
    """End a preview before its time; for its maker, and for who manages the space.

    Raises:
        NotFound: Also where the entry has no such preview, or it is another's.
        Unauthenticated, Forbidden: The caller may not read the entry's draft.
    """
    found = await _find(scope, id_or_slug, preview_id)
    try:
        await scope.core.store.commit([delete_preview(found), _noted(scope, found, "deleted")])
    except GuardFailed:
        raise NotFound from None


async def _find(scope: Scope, id_or_slug: str, preview_id: str) -> Preview:
    entry = await load(scope, reading_action(scope.type), id_or_slug)
    found = await find_preview(scope.core.store, scope.space.key, preview_id) if is_id(preview_id) else None
    if found is None or found.entry_id != entry.id:
        raise NotFound
    if found.maker_id != scope.caller.actor.id and not scope.manages_space:
        raise NotFound
    return found


async def open_preview(scope: Scope, id_or_slug: str, token: str) -> tuple[Scope, str]:
    """Return the caller with the right to read the draft of the token's entry, and its id.

    Raises:
        NotFound: The token is none of ours, over, ended or for something else, or its maker may not read that any more.
    """
    core, preview_id = scope.core, verified(scope.core.secret, token)
    found = None if preview_id is None else await find_preview(core.store, scope.space.key, preview_id)
    if found is None or found.type_key != scope.type.key or found.expires_at <= core.clock.now():
        raise NotFound
    maker = await core.authenticator.of_account(found.maker_id, found.maker_scope, token_id=found.maker_token)
    if maker is None:
        raise NotFound
    action = reading_action(scope.type)
    link = SharedRight(maker=maker, actions=frozenset({action}), ids=(found.entry_id,), by_link=True)
    linked = scope.through(link)
    entry = await find_any(linked, id_or_slug)
    if entry is None or entry.trashed_at is not None or entry.id != found.entry_id:
        raise NotFound
    await foresee_entries(linked, entry)
    if not permits(linked, linked.decide_shared(link, action), entry):
        raise NotFound
    return linked, entry.id


def sign(secret: bytes, preview_id: str) -> str:
    """Return the token of a preview: which key signed it, its id, and the signature (HMAC-SHA256)."""
    named = _KEY_ID + UUID(preview_id).bytes
    return _PREFIX + _text(named + _signature(secret, named))


def verified(secret: bytes, token: str) -> str | None:
    """Return the id that a token names, or ``None`` where we did not sign it."""
    text = token.removeprefix(_PREFIX)
    if text == token or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (BadBase64, ValueError):
        return None
    if len(raw) != _LENGTH or _text(raw) != text:  # base64 has other spellings of the same bytes
        return None
    named, signature = raw[: 1 + _ID_BYTES], raw[1 + _ID_BYTES :]
    if named[:1] != _KEY_ID or not hmac.compare_digest(signature, _signature(secret, named)):
        return None
    return str(UUID(bytes=named[1:]))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signature(secret: bytes, named: bytes) -> bytes:
    key = hmac.digest(secret, b"maydan preview key 1", "sha256")
    return hmac.digest(key, named, "sha256")


def _view(preview: Preview) -> PreviewView:
    return PreviewView(
        id=preview.id, created_at=to_text(preview.created_at), created_by=preview.maker_id,
        expires_at=to_text(preview.expires_at),
    )  # fmt: skip


def _noted(scope: Scope, preview: Preview, what: str) -> Statement:
    return change_statement(
        f"preview.{what}", ("preview", preview.id), at=scope.core.clock.now(), space_key=preview.space_key,
        data={"entry": preview.entry_id, "type": scope.type.name},
    )  # fmt: skip
