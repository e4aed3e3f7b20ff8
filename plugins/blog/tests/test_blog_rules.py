"""What a blog refuses, as pure decisions."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from babel.messages.pofile import read_po

from maydan.plugin import EntryState, HookRefused, InvalidInput
from maydan_blog import rules
from maydan_blog.roles import ROLES
from maydan_blog.types import CONTENT_TYPES, POST_FORMATS


def entry(type: str, **fields: Any) -> EntryState:
    """Return an entry as hooks see it."""
    return EntryState(id="1", type=type, space="s", version=2, fields=fields, slug={})


@pytest.mark.parametrize("type", ["blog.category", "blog.page"])
def test_nothing_lies_under_itself(type: str) -> None:
    """A tree has no place for it; another parent is fine."""
    rules.refuse_own_parent(entry(type, parent="2"))

    with pytest.raises(InvalidInput) as refused:
        rules.refuse_own_parent(entry(type, parent="1"))
    assert refused.value.errors[0].pointer == "/parent"


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"protected": True, "body": {"en": "<p>secret</p>"}}, ["/body/en"]),
        ({"protected": True, "body": {"ar": "<p>later</p>"}}, []),
        ({"protected": True, "body": {"en": ""}}, []),
        ({"protected": True, "protected_body": {"en": "<p>secret</p>"}}, []),
        ({"protected": False, "body": {"en": "<p>open</p>"}}, []),
    ],
)
def test_a_protected_text_is_not_published_in_the_open(fields: dict[str, Any], refused: list[str]) -> None:
    """In the locales that are about to be readable; what stays a draft may stand where it likes."""
    pointers: list[str] = []
    try:
        rules.refuse_open_text(entry("blog.post", **fields), ("en",))
    except InvalidInput as error:
        pointers = [each.pointer for each in error.errors]

    assert pointers == refused


def test_closed_comments_take_none() -> None:
    """On posts and pages; other types do not know the question."""
    rules.refuse_closed_comments(entry("blog.post", comments_open=True))
    rules.refuse_closed_comments(entry("article"))

    with pytest.raises(HookRefused) as refused:
        rules.refuse_closed_comments(entry("blog.post", comments_open=False))
    assert refused.value.error_code == "comments_closed"


def test_the_manifest_names_every_type() -> None:
    """The host refuses a plugin whose manifest and types differ."""
    manifest = (files("maydan_blog") / "manifest.toml").read_text(encoding="utf-8")

    assert all(f'"{each.name}"' in manifest for each in CONTENT_TYPES)


def test_the_ordinary_format_is_the_default() -> None:
    """A post that says nothing is an ordinary one."""
    post = next(each for each in CONTENT_TYPES if each.name == "blog.post")
    field = post.field("format")

    assert field is not None
    assert (field.default, field.values) == (POST_FORMATS[0], POST_FORMATS)


def test_titles_and_messages_are_in_the_arabic_catalogue() -> None:
    """What people read of the blog has an Arabic form."""
    source = files("maydan_blog") / "locale" / "ar.po"
    with source.open("rb") as file:
        catalogue = {message.id: message.string for message in read_po(file, locale="ar")}
    said = {each.title for each in CONTENT_TYPES} | {each.title for each in ROLES}
    for refusal in (
        lambda: rules.refuse_own_parent(entry("blog.page", parent="1")),
        lambda: rules.refuse_open_text(entry("blog.post", protected=True, body={"en": "x"}), ("en",)),
        lambda: rules.refuse_closed_comments(entry("blog.post")),
    ):
        with pytest.raises((InvalidInput, HookRefused)) as refused:
            refusal()
        said.add(refused.value.detail)

    assert {text for text in said if not catalogue.get(text)} == set()
