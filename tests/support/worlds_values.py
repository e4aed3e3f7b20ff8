"""Makes up other values of rows, each as hidden from a reader as the one that stands there."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from worlds_sight import Eyes

from maydan.operations.witnesses import documents_of, read_witness

Values = dict[str, Any]
Make = Callable[[random.Random, Eyes, Values], Any]
"""Makes up another value, which must be as hidden as the one in the row; ``None`` where there is none."""


def text(dice: random.Random, *_: Any) -> str:
    """Return some text."""
    return f"other {dice.randrange(10**6)}"


def number(dice: random.Random, *_: Any) -> int:
    """Return a small number."""
    return dice.randrange(1, 100)


def moment(dice: random.Random, *_: Any) -> datetime:
    """Return a moment that is over."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(10**7))


def later(dice: random.Random, *_: Any) -> datetime:
    """Return a moment that is far ahead."""
    return datetime(2032, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(10**7))


def flag(dice: random.Random, *_: Any) -> bool:
    """Return true or false."""
    return dice.random() < 0.5


def one_of(*values: Any) -> Make:
    """Return what takes one of the values."""
    return lambda dice, *_: dice.choice(values)


def _unknown_fields(eyes: Eyes, type_name: str) -> list[str]:
    """Return the fields that the reader may neither read nor write on any entry, secret ones among them."""
    content_type = next(each for each in eyes.world.types if each.name == type_name)
    known = eyes.fields_ever(content_type, "read", "read_draft", "create", "update")
    return [field.name for field in content_type.fields if field.name not in known]


def definition(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Change what a field takes of which the reader does not know."""
    written = msgspec.json.decode(row["definition"])
    unknown = _unknown_fields(eyes, row["name"])
    fields = [field for field in written["fields"] if field["name"] in unknown and field["kind"] in _LIMITED]
    step = next((each for each in written.get("workflow", {}).get("transitions", ()) if each["name"] == "open"), None)
    if step is not None and unknown and set(step["required"]) <= set(unknown) and dice.random() < 0.4:
        step["required"] = [dice.choice(unknown)]
        return msgspec.json.encode(written).decode()
    if not fields:
        return None
    field = dice.choice(fields)
    field[_LIMITED[field["kind"]]] = dice.randrange(100, 1000)
    return msgspec.json.encode(written).decode()


_LIMITED = {"string": "max_length", "text": "max_length", "integer": "max", "number": "max"}


def title(dice: random.Random, _eyes: Eyes, row: Values) -> str:
    """Give a space another title."""
    settings = msgspec.json.decode(row["settings"])
    return msgspec.json.encode({**settings, "title": text(dice)}).decode()


def changes(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Note a change of what the reader of the audit may not read in any entry, instead of what was noted."""
    content_type = next((each for each in eyes.world.types if each.name == row["subject_type"]), None)
    if content_type is None or not eyes.manages("read:audit"):
        return dice.choice(['{"actor_id":"x"}', '{"actor_id":null,"changes":[{"op":"add","path":"/title"}]}'])
    names = [field.name for field in content_type.fields if field.kind != "secret"]
    hidden = {*names, "slug", "tags"} - eyes.fields_ever(content_type, "read_draft")
    details = msgspec.json.decode(row["details"])
    shown = [change for change in details.get("changes", ()) if change["path"].split("/")[1] not in hidden]
    if not hidden:
        return None
    more = [{"op": "replace", "path": f"/{name}/en"} for name in dice.sample(sorted(hidden), 1)]
    return msgspec.json.encode({**details, "changes": [*shown, *more]}).decode()


def data_told(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Change what an event says beside: of one that is told, the names of changed fields that are not."""
    if not _is_told(eyes, row):
        return dice.choice(["{}", '{"fields":["title","rank"],"locales":["ku"]}', '{"locales":["en"],"fields":[]}'])
    content_type = next(each for each in eyes.world.types if each.name == row["subject_type"])
    names = {field.name for field in content_type.fields} | {"slug", "tags"}
    private = {field.name for field in content_type.fields if field.private}
    hidden = (names - eyes.fields_ever(content_type, "read", "read_draft")) | private
    told = msgspec.json.decode(row["data"])
    if "fields" not in told or not hidden:
        return None
    kept = [name for name in told["fields"] if name not in hidden]
    more = dice.sample(sorted(hidden), min(len(hidden), dice.choice([0, 1, 2])))
    return msgspec.json.encode({**told, "fields": [*more, *kept]}).decode()


def _is_told(eyes: Eyes, row: Values) -> bool:
    return bool(eyes.sight(str(row["subject_id"])) or any(knew(eyes, row["subject_type"], row["witness"])))


def knew(eyes: Eyes, type_name: str, witness: str | None) -> tuple[bool, bool]:
    """Tell whether the reader could read what was published of an entry until an event, and its newest version."""
    if witness is None:
        return False, False
    content_type = next(each for each in eyes.world.types if each.name == type_name)
    entry = read_witness(witness)
    published = documents_of(content_type, eyes.world.space, entry, published=True)
    newest = documents_of(content_type, eyes.world.space, entry, published=False)
    return (
        any(eyes.fields(content_type, "read", document) for document in published),
        any(eyes.fields(content_type, "read_draft", document) for document in newest),
    )


def witness_before(dice: random.Random, eyes: Eyes, row: Values) -> str | None:
    """Change one value of an entry as it was until an event, by which it is judged who learns of the event."""
    same = [state.entry.body for kind, state in eyes.states.values() if kind.name == row["subject_type"]]
    if row["witness"] is None or not same:
        return None
    content_type = next(each for each in eyes.world.types if each.name == row["subject_type"])
    kept = msgspec.json.decode(row["witness"])
    if dice.random() < 0.3:
        kept["created_by"] = dice.choice([eyes.reader.id, *eyes.world.things.strangers])
    else:
        body = kept["published"]["body"] if kept["published"] and dice.random() < 0.6 else kept["body"]
        field = dice.choice([each for each in content_type.fields if each.kind != "secret"])
        body.pop(field.id, None)
        if (value := dice.choice(same).get(field.id)) is not None:
            body[field.id] = value
    after = msgspec.json.encode(kept).decode()
    return after if knew(eyes, content_type.name, after) == knew(eyes, content_type.name, row["witness"]) else None
