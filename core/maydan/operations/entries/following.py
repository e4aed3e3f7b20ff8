"""Verbs that start over when the type of their entry changes under them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from maydan.operations.entries.storing import TypeMoved

if TYPE_CHECKING:
    from maydan.operations.scopes import Scope

P = ParamSpec("P")
T = TypeVar("T")

_TRIES: Final = 5
"""Types change rarely; each failure means that it happened once more."""


def following(
    verb: Callable[Concatenate[Scope, P], Awaitable[T]],
) -> Callable[Concatenate[Scope, P], Coroutine[Any, Any, T]]:
    """Make a verb carry on with the type, the space and the policies as they are now, from its input again."""

    @wraps(verb)
    async def follow(scope: Scope, *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(_TRIES):
            try:
                return await verb(scope, *args, **kwargs)
            except TypeMoved:
                await scope.renew()
        return await verb(scope, *args, **kwargs)

    return follow
