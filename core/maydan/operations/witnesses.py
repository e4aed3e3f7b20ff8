"""What an event keeps of an entry as it was, so that it can be judged later who could read it until then.

A witness is kept beside the event and is in no answer. Readers are judged by what was published, and only who may read
drafts by the draft, so that nobody learns anything from a value that they could not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from maydan.clock import from_text
from maydan.content.secrets import split_secrets
from maydan.operations.rendering import document_keys, document_row
from maydan.storage.documents import PUBLISHED
from maydan.storage.entries import EntryRow, Publication

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def witness_of(content_type: ContentType, entry: EntryRow, *, with_draft: bool) -> str:
    """Return the entry as JSON text, without its secret fields; the draft only where it is asked for or is shown."""
    public: dict[str, Any] = {}
    if with_draft or not content_type.drafts:
        public, _ = split_secrets(content_type, entry.body)
    return _encode(replace(entry, body=public)).decode()


def read_witness(witness: str) -> EntryRow:
    """Return the entry of a witness."""
    kept = _decode(witness)
    moments = ("created_at", "updated_at", "trashed_at")
    kept |= {name: from_text(kept[name]) for name in moments if kept[name] is not None}
    return EntryRow(**{**kept, "published": msgspec.convert(kept["published"], Publication | None)})


def documents_of(content_type: ContentType, space: Space, entry: EntryRow, *, published: bool) -> list[dict[str, Any]]:
    """Return every field of the entry in each of its locales, as readers got it or as its drafts were."""
    keys = document_keys(content_type, space, entry)
    rows = [
        document_row(content_type, space, entry, perspective, locale)
        for perspective, locale in sorted(keys)
        if (perspective == PUBLISHED) == published
    ]
    return [{**_decode(row.body), **_decode(row.private)} for row in rows]
