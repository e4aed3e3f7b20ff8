"""When a delivery is tried again, and what is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from maydan.events.webhooks.pace import MAX_TRIES, WAITS_S, Health, asked_pause_s, next_try
from maydan.events.webhooks.signing import hide, new_secret, reveal, signed_headers

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@given(st.integers(min_value=1, max_value=MAX_TRIES - 1))
def test_tries_come_after_the_promised_waits_give_or_take_a_fifth(tries: int) -> None:
    """1, 5, 30 s, 5 min, 30 min, 2 h and so on."""
    again = next_try(tries, NOW)
    assert again is not None
    assert 0.8 * WAITS_S[tries - 1] <= (again - NOW).total_seconds() <= 1.2 * WAITS_S[tries - 1]


def test_tries_end_after_three_days() -> None:
    """However the clock jumps, since they are counted."""
    assert next_try(MAX_TRIES, NOW) is None
    assert timedelta(seconds=sum(WAITS_S)) == pytest.approx(timedelta(days=3), abs=timedelta(hours=1))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("said", "pause_s"),
    [
        (None, None), ("120", 120), ("0", 0), ("-1", None), ("soon", None), ("9" * 40, None), ("１２", None),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60), ("Mon, 23 Nov 2026 11:00:00 GMT", 0), ("Mon, 99 Foo", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(said: str | None, pause_s: float | None) -> None:
    """What cannot be read says nothing."""
    assert asked_pause_s(said, NOW) == pause_s


def test_a_receiver_cannot_put_a_try_off_for_ever() -> None:
    """A day at most, and never earlier than by the schedule."""
    put_off, soon = next_try(1, NOW, 1e12), next_try(5, NOW, 1)
    assert put_off is not None
    assert soon is not None
    assert put_off - NOW == timedelta(days=1)
    assert soon - NOW > timedelta(seconds=1000)


def test_a_failing_webhook_is_tried_less_and_less_and_heals_at_once() -> None:
    """From the tenth failure in a row on there is a pause, of a minute at most; days of failures end it."""
    health = Health()
    for _ in range(9):
        health = health.after_failure(NOW)
        assert health.paused_until is None
    pauses: list[float] = []
    for _ in range(10):
        health = health.after_failure(NOW)
        assert health.paused_until is not None
        pauses.append((health.paused_until - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert health.is_shaky
    days = timedelta(days=5)
    assert not health.is_hopeless(NOW + days, days)
    health = health.after_failure(NOW)
    assert not health.is_hopeless(NOW + days - timedelta(seconds=1), days)
    assert health.is_hopeless(NOW + days, days)
    assert health.after_success() == Health()


@given(st.binary(max_size=200))
def test_a_secret_comes_back_from_what_is_stored_with_the_same_key_only(key: bytes) -> None:
    """And what is stored does not show it."""
    secret = new_secret()
    hidden = hide(secret, key)
    assert reveal(hidden, key) == secret
    assert hidden != hide(secret, key)
    try:
        other = reveal(hidden, key + b"x")
    except UnicodeDecodeError:
        other = ""
    assert other != secret


def test_every_valid_secret_verifies_and_nothing_altered_does() -> None:
    """By the specification's own library."""
    old, new, stranger = new_secret(), new_secret(), new_secret()
    body = '{"title": "مرحبا"}'.encode()
    headers = signed_headers("msg_1", datetime.now(UTC), body, [new, old])
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers) == {"title": "مرحبا"}
    for secret, changed, data in (
        (stranger, headers, body),
        (new, {**headers, "webhook-id": "msg_2"}, body),
        (new, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
        (new, headers, body + b" "),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(data, changed)
