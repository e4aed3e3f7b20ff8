from __future__ import annotations

import json
import logging
import sys

import pytest

from maydan.http.logs import JsonLines, PlainLines, log_request


def record(**extra: object) -> logging.LogRecord:
    """Return a record as logging makes it."""
    made = logging.getLogger("maydan.x").makeRecord("maydan.x", logging.WARNING, "f", 1, "%s is late", ("It",), None)
    vars(made).update(extra)
    return made


def test_a_line_is_one_object_with_what_was_given() -> None:
    """Also values that JSON does not know, and line breaks in the message."""
    line = JsonLines().format(record(request_id="r\n1", where=object()))
    parsed = json.loads(line)
    assert "\n" not in line
    assert parsed["level"] == "warning"
    assert parsed["logger"] == "maydan.x"
    assert parsed["message"] == "It is late"
    assert parsed["request_id"] == "r\n1"
    assert parsed["at"].endswith("Z")


def test_an_exception_is_in_the_line() -> None:
    """With its traceback, so that one line tells it all."""
    made = record()
    try:
        raise ValueError("odd")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert "ValueError: odd" in json.loads(JsonLines().format(made))["exception"]


def test_lines_for_people_show_what_was_given() -> None:
    """Time, level, message, facts."""
    line = PlainLines().format(record(request_id="r1"))
    assert line.endswith("WARNING It is late request_id=r1")


def test_a_token_in_a_path_is_in_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads logs accepts nobody's invitation."""
    caplog.set_level(logging.INFO, "maydan.http.requests")
    log_request("POST", "/api/invitations/mdn_mt_abc-DEF_123/accept", 200, 0.1)
    assert caplog.messages == ["POST /api/invitations/***/accept 200"]
