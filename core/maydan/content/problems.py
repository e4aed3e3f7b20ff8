"""Collects everything that is wrong with one input, so that its sender mends it in one go."""

from __future__ import annotations

from typing import Final

from maydan.errors import InputError, InvalidInput

MOST_PROBLEMS: Final = 100
"""So many are reported for one input; the answer to 10 MB of nonsense stays small."""

MESSAGES: Final = {
    "bad_locale": "must be a language tag in its canonical form such as en or zh-Hant-TW",
    "bad_name": "must match {pattern}",
    "bad_pattern": "is not a regular expression that can be used: {reason}",
    "control_character": "must not contain control characters or lone surrogates",
    "currency": "must be an ISO 4217 currency that has a minor unit",
    "dead_end": "is not final, and no transition leaves it",
    "decimal_differs": "does not agree with amount; leave it out",
    "duplicate": "occurs more than once",
    "field_required": "is required",
    "final_state": "is final, so that nothing leaves it",
    "forbidden_here": "is not allowed here",
    "invalid_choice": "must be one of: {values}",
    "invalid_color": "must be a colour such as #1a2b3c",
    "invalid_date": "must be a date such as 2026-11-22",
    "invalid_datetime": "must be a time with an offset such as 2026-11-22T10:00:00Z",
    "invalid_decimal": 'must be a decimal number in text such as "12.50", with at most 15 digits',
    "invalid_duration": "must be a duration such as PT24H or P3D, at most ten years, without years and months",
    "invalid_email": "must be an e-mail address",
    "invalid_id": "must be an id (a UUID in lower case)",
    "invalid_json": "must be JSON that is at most {depth} levels deep and {bytes} bytes long",
    "invalid_phone": "must be a phone number with its country code such as +9647701234567",
    "invalid_slug": "must be letters, digits and single hyphens in lower case, at most 100 characters, and no UUID",
    "invalid_time": "must be a time of day such as 09:30",
    "invalid_url": "must be an absolute http or https address",
    "not_a_boolean": "must be true or false",
    "not_a_list": "must be a list",
    "not_a_number": "must be a number",
    "not_an_integer": "must be an integer within ±9007199254740991",
    "not_an_object": "must be an object",
    "not_text": "must be text",
    "no_such_field": "names '{name}', which is not a field that can stand here",
    "option_conflict": "does not go together with {other}",
    "option_not_for_kind": "is not an option of {kind} fields",
    "pattern_mismatch": "must match the pattern {pattern}",
    "read_only": "is set by the system",
    "renamed_nothing": "names no field that is there before and another one after",
    "reserved_name": "is a reserved name",
    "too_deep": "nests more than {max} components",
    "tangled": "has too many elements inside of each other, or open at once",
    "too_few": "must have at least {min} items",
    "too_large": "must be at most {max}",
    "too_long": "must have at most {max} characters",
    "too_long_for_index": "must have at most {max} bytes as UTF-8, since an index holds it",
    "too_many": "must have at most {max} items",
    "too_short": "must have at least {min} characters",
    "too_small": "must be at least {min}",
    "unknown_block": "must be one of the blocks: {values}",
    "unknown_field": "is not a field here",
    "unknown_locale": "is not a locale of this space",
    "unknown_plugin": "is not a plugin of this instance",
    "unknown_role": "is not a role that exists here",
    "unknown_state": "is not one of the states",
    "unknown_time_zone": "must be an IANA time zone such as Asia/Baghdad",
    "unknown_type": "is not a content type of this space",
    "unreachable": "cannot be reached from the initial state",
}
"""What each code says, after the place: "/title must have at most 200 characters"."""


def child(pointer: str, key: str | int) -> str:
    """Return the RFC 6901 pointer to a member of what ``pointer`` names."""
    if type(key) is int:
        return f"{pointer}/{key}"
    text = str(key)
    if "~" in text or "/" in text:
        text = text.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{text}"


PATTERNS_S: Final = 0.2
"""Seconds of the processor that all patterns of one input may take together; later ones do not match. A slow pattern
for a list of a thousand texts would otherwise stall the server for as many times as one may take."""


class Problems:
    """What was found so far."""

    __slots__ = ("found", "pattern_s")

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self.found: list[InputError] = []
        self.pattern_s = PATTERNS_S
        """Seconds that are left for the patterns of this input."""

    def add(self, pointer: str, code: str, **facts: object) -> None:
        """Note one problem; ``facts`` fill the message's places."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(InputError(pointer, code, MESSAGES[code].format(**facts)))

    def raise_if_any(self) -> None:
        """Refuse the input if something was found.

        Raises:
            InvalidInput: With everything that was found, in the order of the input.
        """
        if self.found:
            first = self.found[0]
            more = "" if len(self.found) == 1 else f" (and {len(self.found) - 1} more)"
            raise InvalidInput(f"{first.pointer or 'The body'} {first.message}{more}.", errors=tuple(self.found))
