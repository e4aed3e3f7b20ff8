"""How long random tests go on: ``make soak`` sets ``MAYDAN_TEST_SOAK`` to how many times longer than ``make test``."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    """Return how many examples to try, given how many a quick run has time for."""
    return few * int(os.environ.get("MAYDAN_TEST_SOAK", "1"))


def is_soaking() -> bool:
    """Tell whether this is a long run, which looks for what is new instead of repeating what is known."""
    return "MAYDAN_TEST_SOAK" in os.environ
