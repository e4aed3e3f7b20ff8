"""The page on which a worker notes whose code runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maydan.plugins.notes import PAGE_BYTES, SERVING, THREAD_SLOTS, Culprit, Notes, pack, unpack


@given(st.text(max_size=400), st.text(max_size=400))
def test_a_note_of_any_names_can_be_written_and_read(plugin: str, what: str) -> None:
    """Long names are cut, strange ones survive; a note never breaks the page."""
    found = unpack(pack(plugin, what))
    assert found is not None
    assert len(pack(plugin, what)) == len(pack("a", "b"))


def test_who_runs_on_the_loop_is_the_culprit() -> None:
    """Notes nest: a hook that calls an operation that calls another hook."""
    notes = Notes(bytearray(PAGE_BYTES))
    outer = notes.enter(pack("a", "check_entry_create"))
    inner = notes.enter(pack("b", "check_entry_create"))
    assert notes.culprit() == Culprit("b", "check_entry_create")
    notes.leave(inner)
    assert notes.culprit() == Culprit("a", "check_entry_create")
    notes.leave(outer)
    assert notes.culprit() is None


def test_who_runs_in_a_thread_is_the_culprit_while_the_loop_is_ours() -> None:
    """The last slot lies on the page, too."""
    notes = Notes()
    notes.set_thread(THREAD_SLOTS - 1, pack("a", "entry_created"))
    assert notes.culprit() == Culprit("a", "entry_created")
    notes.enter(pack("b", "import"))
    assert notes.culprit() == Culprit("b", "import")


def test_the_parent_reads_what_the_worker_writes() -> None:
    """Both look at one page; before the first beat a worker was never alive."""
    page = bytearray(PAGE_BYTES)
    worker, parent = Notes(page), Notes(page)
    assert parent.beaten_s() == float("inf")
    worker.beat()
    worker.phase = SERVING
    assert parent.beaten_s() < 60
    assert parent.phase == SERVING
