"""How a route's answer gets into the operation's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from maydan.http.answers import Answer
    from maydan.storage.ports import Statement

R = TypeVar("R")


class Claim(Protocol):
    """An ``Idempotency-Key`` that this request holds."""

    def done(self, answer: Answer) -> Sequence[Statement]:
        """Return the statements that store the answer; they fail if another request took the key over."""
        ...


class Seal(Generic[R]):
    """Builds the answer once, in the transaction if the request has a key, else at the end."""

    __slots__ = ("_answer", "_build", "_claim")

    def __init__(self, claim: Claim | None, build: Callable[[R], Answer]) -> None:
        """Build answers with ``build``, a pure function of the operation's result."""
        self._claim = claim
        self._build = build
        self._answer: Answer | None = None

    @property
    def statements(self) -> Callable[[R], Sequence[Statement]] | None:
        """What the operation calls with its result for statements to store with it; ``None``: nothing is to be kept."""
        return None if self._claim is None else self._store

    def _store(self, result: R) -> Sequence[Statement]:
        assert self._claim is not None
        self._answer = self._build(result)
        return self._claim.done(self._answer)

    def answer(self, result: R) -> Answer:
        """Return the answer: the stored one, or a new one where none was stored."""
        return self._answer if self._answer is not None else self._build(result)
