from __future__ import annotations

from maydan.content.secrets import split_secrets
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.content.values import read_input


def test_secrets_are_taken_out_and_put_back(article: ContentType, space: Space) -> None:
    """Versions hold the rest; with the secrets it is the stored form again."""
    stored = read_input(article, space, {"title": "x", "pin": "1234"}, base=None, locale=None, replace=False)
    public, secrets = split_secrets(article, stored)
    assert secrets == {"pin": "1234"}
    assert "pin" not in public
    assert {**public, **secrets} == stored
    assert read_input(article, space, {"title": "y"}, base=stored, locale=None, replace=True)["pin"] == "1234"
