"""What a manifest may say, and how each mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maydan.plugins.manifest import BadManifest, Manifest, check_manifest, read_manifest

GOOD: dict[str, Any] = {"name": "shop", "version": "1.2", "hook_api": ">=1,<2"}


def test_what_is_left_out_has_the_careful_default() -> None:
    """A plugin that says nothing fails closed, owns ``<name>_`` and lies under the space."""
    manifest = check_manifest(GOOD)
    assert (manifest.on_failure, manifest.prefix, manifest.mounts, manifest.requires) == (
        "closed",
        "shop_",
        ("space",),
        (),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"name": 3}, "name: Expected `str`, got `int`"),
        ({"name": "Shop"}, "lower-case letters"),
        ({"name": "shop__x"}, "lower-case letters"),
        ({"name": "s" * 31}, "at most 30"),
        ({"name": "plugins"}, "is the core's own"),
        ({"version": "one"}, "version: 'one' is not a version"),
        ({"hook_api": "1 or 2"}, "hook_api: '1 or 2' is not a version specifier"),
        ({"requires": ["commerce>>1"]}, "requires: '>>1' is not a version specifier"),
        ({"requires": ["9x"]}, "does not begin with a plugin's name"),
        ({"content_types": ["article"]}, "must be 'shop.' and a name"),
        ({"content_types": ["shop.a", "shop.a"]}, "given twice"),
        ({"permissions": ["blog.import"]}, "must be 'shop.' and a name"),
        ({"on_failure": "maybe"}, "on_failure"),
        ({"settings": "maydan_shop.settings"}, "not of the form"),
        ({"table_prefix": "shop"}, "with one at the end"),
        ({"table_prefix": "maydan_shop_"}, "begins as tables of the core"),
        ({"mounts": ["moon"]}, "mounts"),
    ],
)
def test_each_mistake_is_named(change: dict[str, Any], said: str) -> None:
    """The reason names the key and the value that is wrong."""
    with pytest.raises(BadManifest, match=r"(?s).*") as caught:
        check_manifest(GOOD | change)
    assert said in str(caught.value)


@pytest.mark.parametrize("key", GOOD)
def test_what_is_needed_must_be_there(key: str) -> None:
    """A missing key is named."""
    with pytest.raises(BadManifest, match=f"missing key `{key}`"):
        check_manifest({name: value for name, value in GOOD.items() if name != key})


def test_all_problems_are_named_at_once() -> None:
    """Nobody has to start five times for five mistakes."""
    with pytest.raises(BadManifest) as caught:
        check_manifest(GOOD | {"version": "x", "hook_api": "y", "settings": "z"})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = ", "is not TOML"),
        (b'name = "\xff"', "is not TOML"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b"#" * 70_000, "larger than 64 KB"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_reason(tmp_path: Path, content: bytes, said: str) -> None:
    """Whatever lies there, the answer is one line."""
    path = tmp_path / "manifest.toml"
    path.write_bytes(content)
    with pytest.raises(BadManifest) as caught:
        read_manifest(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_package(tmp_path: Path) -> None:
    """The author sees where it was looked for."""
    with pytest.raises(BadManifest, match=f"missing from {tmp_path.name}"):
        read_manifest(tmp_path / "manifest.toml")


@given(st.dictionaries(st.sampled_from([*GOOD, "requires", "mounts", "settings"]), st.text() | st.lists(st.text())))
def test_whatever_it_says_it_is_a_manifest_or_a_reason(keys: dict[str, Any]) -> None:
    """No value brings the host down."""
    try:
        found: Manifest | tuple[str, ...] = check_manifest(GOOD | keys)
    except BadManifest as error:
        found = error.problems
    assert found
