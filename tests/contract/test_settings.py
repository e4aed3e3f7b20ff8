"""Settings: one struct per table, variables that override, every problem in one clear line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from maydan.errors import ConfigurationError
from maydan.secret import Secret, mask_url
from maydan.settings import load, read

DATABASE = {"url": "sqlite:///maydan.db"}


class ShopSettings(Struct, frozen=True, kw_only=True):
    """A plugin's settings."""

    key: Secret
    sandbox: bool = False
    rate: float = 0.5
    currencies: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict[str, int])


def problems_of(tables: dict[str, object], environ: dict[str, str] | None = None) -> list[str]:
    """Read settings that must be refused, and return the lines."""
    with pytest.raises(ConfigurationError) as caught:
        read(tables, environ)
    return caught.value.detail.splitlines()


def test_a_key_of_the_file_is_read() -> None:
    """A key in the file replaces the default; the others keep theirs."""
    settings = read({"database": DATABASE, "log": {"requests": True}})
    assert settings.log.requests is True
    assert settings.server.development is False


def test_a_variable_overrides_the_file() -> None:
    """``MAYDAN_<TABLE>_<KEY>`` wins over the file."""
    settings = read({"database": DATABASE}, {"MAYDAN_DATABASE_URL": "sqlite:///other.db"})
    assert settings.database.url == "sqlite:///other.db"


def test_a_list_in_a_variable_is_separated_by_commas() -> None:
    """Spaces round the commas and empty entries do not count."""
    settings = read({"database": DATABASE}, {"MAYDAN_SERVER_CORS_ORIGINS": "https://a.example, https://b.example,"})
    assert settings.server.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("text", ["yes", "1", "True", "", " true"])
def test_a_boolean_variable_is_true_or_false_and_nothing_else(text: str) -> None:
    """Nobody should have to guess what ``MAYDAN_…=0`` or ``=no`` means."""
    lines = problems_of({"database": DATABASE}, {"MAYDAN_LOG_REQUESTS": text})
    assert lines == [f'MAYDAN_LOG_REQUESTS: expected true or false, got "{text}"']


@pytest.mark.parametrize("text", ["1.0", "ten", "", "0x10", "1_000", "١"])
def test_a_whole_number_in_a_variable_is_written_in_digits(text: str) -> None:
    """Python's own ``int()`` would take several of these."""
    (line,) = problems_of({"database": DATABASE}, {"MAYDAN_SERVER_MAX_BODY_BYTES": text})
    assert line.startswith("MAYDAN_SERVER_MAX_BODY_BYTES: expected a whole number")


@pytest.mark.parametrize("value", [-1, -1024])
def test_a_negative_number_is_refused(value: int) -> None:
    """Settings are sizes, counts and times; what a negative one would mean, nobody can say."""
    lines = problems_of({"database": DATABASE, "server": {"max_body_bytes": value}})
    assert lines == [f"maydan.toml: [server] max_body_bytes: expected a number that is not negative, got {value}"]


def test_every_problem_is_named_at_once_and_in_one_line() -> None:
    """Whoever mends a file should not have to start five times."""
    lines = problems_of(
        {
            "databse": {},
            "log": 4,
            "server": {"base_url": 3, "cors_origins": ["https://a.example", 3], "bse_url": "x"},
            "database": DATABASE | {"synchronous": "ful"},
        }
    )
    assert lines == [
        "maydan.toml: log: expected a table, [log]",
        "maydan.toml: [databse]: unknown table; did you mean database?",
        "maydan.toml: [database] synchronous: expected full or normal, got 'ful'",
        "maydan.toml: [server] bse_url: unknown key; did you mean base_url?",
        "maydan.toml: [server] base_url: expected text, got a whole number",
        "maydan.toml: [server] cors_origins: expected text, got a whole number in entry 2 of the list",
    ]


def test_a_missing_value_names_the_key_and_the_variable() -> None:
    """A key without a default must come from one of the two places."""
    settings = read({"database": DATABASE, "shop": {}}, plugins=["shop"])
    with pytest.raises(ConfigurationError) as caught:
        settings.of_plugin("shop", ShopSettings)
    assert caught.value.detail == "maydan.toml: [shop] key: missing; write it there or set MAYDAN_SHOP_KEY"


def test_an_unknown_variable_is_one_warning() -> None:
    """A mistyped variable does not stop the start, but is not swallowed either; those of the tests are not ours."""
    settings = read(
        {"database": DATABASE}, {"MAYDAN_LOG_REQUEST": "true", "MAYDAN_TEST_MEILISEARCH_URL": "x", "HOME": "/root"}
    )
    assert settings.warnings == (
        "MAYDAN_LOG_REQUEST: no setting has this name; ignored; did you mean MAYDAN_LOG_REQUESTS?",
    )
    assert settings.log.requests is False


def test_a_plugins_table_is_checked_with_the_plugins_struct() -> None:
    """File and variables together, as for the core's tables."""
    settings = read(
        {"database": DATABASE, "shop": {"key": "sk_1", "rate": 1}},
        {"MAYDAN_SHOP_SANDBOX": "true", "MAYDAN_SHOP_CURRENCIES": "IQD,USD", "MAYDAN_SHOP_LIMITS": "a=1,b=2"},
        plugins=["shop"],
    )
    shop = settings.of_plugin("shop", ShopSettings)
    assert (shop.sandbox, shop.rate, shop.currencies, shop.limits) == (True, 1.0, ("IQD", "USD"), {"a": 1, "b": 2})
    assert shop.key.reveal() == "sk_1"
    with pytest.raises(ConfigurationError, match="rate: expected a number, got text"):
        read({"database": DATABASE, "shop": {"key": "k", "rate": "x"}}, plugins=["shop"]).of_plugin(
            "shop", ShopSettings
        )


def test_a_table_of_a_plugin_that_is_not_installed_is_a_mistake_unless_it_is_enabled() -> None:
    """An enabled plugin that is missing gets its own, better message from the plugin host."""
    assert problems_of({"database": DATABASE, "shop": {}}) == ["maydan.toml: [shop]: unknown table"]
    assert read({"database": DATABASE, "shop": {}, "plugins": {"enabled": ["shop"]}}).plugins.enabled == ("shop",)


def test_no_repr_shows_a_secret() -> None:
    """Settings end up in logs and in bug reports."""
    settings = read(
        {
            "database": {"url": "postgresql://maydan:hunter2@db.example/maydan"},
            "mail": {"url": "smtp://maydan:hunter2@mail.example:25"},
            "shop": {"key": "hunter2"},
        },
        {"MAYDAN_SHOP_KEY": "hunter2", "MAYDAN_SERVER_METRICS_TOKEN": "hunter2"},
        plugins=["shop"],
    )
    shop = settings.of_plugin("shop", ShopSettings)
    shown = [repr(settings), f"{settings}", repr(shop), f"{shop.key}", repr(settings.database), repr(settings.mail)]
    assert [text for text in shown if "hunter2" in text] == []


@given(
    st.text(min_size=1).filter(lambda text: not set(text) & set("/?#@:%&*")), st.sampled_from(["postgresql", "smtp"])
)
def test_a_password_in_a_url_is_masked_wherever_it_stands(password: str, scheme: str) -> None:
    """Both places in which drivers take one: before the host, and in the query."""
    before = mask_url(f"{scheme}://user:{password}@host/name?ssl=on")
    assert before == f"{scheme}://user:***@host/name?ssl=on"
    assert mask_url(f"{scheme}://user@/name?password={password}&x=1") == f"{scheme}://user@/name?password=***&x=1"


def test_a_missing_file_is_one_line_unless_the_environment_says_where_the_database_is(tmp_path: Path) -> None:
    """Containers are set up by variables alone."""
    path = tmp_path / "maydan.toml"
    with pytest.raises(ConfigurationError, match="no such file; `maydan init` writes one"):
        load(path, {})
    assert load(path, {"MAYDAN_DATABASE_URL": "sqlite:///a.db"}).database.url == "sqlite:///a.db"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[server\n", r"maydan\.toml: not TOML: .*line 1"), (b'a = "\xff"', r"maydan\.toml: byte 5 is not UTF-8")],
)
def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    """The line says where."""
    path = tmp_path / "maydan.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        load(path, {})


def test_a_folder_in_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    """Whatever the operating system refuses is said in its words."""
    with pytest.raises(ConfigurationError, match="cannot be read: is a directory"):
        load(tmp_path, {})
    assert stat.S_ISDIR(tmp_path.stat().st_mode)


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("database", "readers", 0),
        ("database", "pool_size", 0),
        ("server", "max_body_bytes", 0),
        ("auth", "hash_passes", 0),
        ("auth", "hash_memory_kib", 7),
        ("auth", "access_token_s", 0),
        ("events", "poll_s", 0.0),
        ("streams", "heartbeat_s", 0.0),
        ("streams", "stall_s", float("nan")),
        ("jobs", "poll_s", float("inf")),
        ("server", "base_url", "ftp://a.example"),
        ("server", "base_url", "a.example"),
        ("server", "base_url", "https://a.example/?x=1"),
        ("server", "cors_origins", ["https://a.example", "b.example"]),
        ("server", "cors_origins", ["https://a.example/path"]),
    ],
)
def test_a_value_with_which_nothing_would_work_is_refused(table: str, key: str, value: object) -> None:
    """At the start, in a line that names it, and not by the first request that needs it."""
    tables: dict[str, object] = {"database": DATABASE}
    tables[table] = {**(DATABASE if table == "database" else {}), key: value}
    (line,) = problems_of(tables)
    assert line.startswith(f"maydan.toml: [{table}] {key}: expected "), line


def test_a_nought_that_means_something_is_taken() -> None:
    """Such as a trash that is never emptied, an instance without streams."""
    settings = read({"database": DATABASE | {"mmap_bytes": 0}, "content": {"trash_days": 0}})
    assert (settings.content.trash_days, settings.database.mmap_bytes) == (0, 0)
    assert read({"database": DATABASE, "streams": {"max_per_worker": 0}}).streams.max_per_worker == 0


def test_where_the_outside_reaches_the_instance_may_be_under_a_path() -> None:
    """And at any port; origins may be of any scheme, as those of apps are."""
    server = {
        "base_url": "https://a.example:8443/cms",
        "cors_origins": ["*", "http://[::1]:3000", "capacitor://localhost"],
    }
    assert read({"database": DATABASE, "server": server}).server.base_url == "https://a.example:8443/cms"
