"""One implementation of one hook, made ready to be called often."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any, NamedTuple, NoReturn

from maydan.errors import HookRefused, InvalidInput
from maydan.plugins.deadline import starting_deadline
from maydan.plugins.gauges import Gauge
from maydan.plugins.guard import Guard, Waiting
from maydan.plugins.kinds import HookKind, kind_of
from maydan.plugins.notes import pack
from maydan.tasks import is_being_cancelled

Arguments = tuple[object, ...]


class CallFailed(Exception):
    """Plugin code raised, exited or took too long; ``reason`` is one line for people."""

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        """Keep who, where and why."""
        super().__init__(f"plugin {plugin}, hook {hook}: {reason}")
        self.plugin = plugin
        self.hook = hook
        self.reason = reason


class Begun(NamedTuple):
    """A call that has not returned yet."""

    started_ns: int
    waiting: Waiting | None
    """Where it stands; ``None`` for a plain function, whose thread is still to be started."""
    arguments: Arguments


class HookCall:
    """One plugin's implementation of one hook, with its figures."""

    __slots__ = ("_function", "_guard", "_is_async", "_note", "_picks", "gauge", "hook", "kind", "plugin")

    def __init__(
        self, guard: Guard, plugin: str, hook: str, function: Callable[..., Any], spec_arguments: Sequence[str]
    ) -> None:
        """Prepare a call.

        Args:
            spec_arguments: The arguments of the specification, in order; the function takes a subset by name.
        """
        wanted = _arguments_of(function)
        self.plugin = plugin
        self.hook = hook
        self.kind: HookKind = kind_of(hook)
        self.gauge = Gauge()
        self._guard = guard
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function)
        self._picks = None if wanted == tuple(spec_arguments) else tuple(spec_arguments.index(name) for name in wanted)
        self._note = pack(plugin, hook)

    def now(self, arguments: Arguments) -> Any:
        """Call a plain function here and now, noted; for hooks of the start, whose errors the caller handles."""
        started_ns = perf_counter_ns()
        try:
            with self._guard.noted(self.plugin, self.hook):
                result = self._function(*self._picked(arguments))
        except BaseException as error:
            self.gauge.failed(perf_counter_ns() - started_ns, describe(error))
            raise
        self.gauge.succeeded(perf_counter_ns() - started_ns)
        return result

    def try_now(self, arguments: Arguments) -> Any:
        """Call a plain function as :meth:`now`; a fault gives ``None``."""
        try:
            with starting_deadline():
                return self.now(arguments)
        except BaseException:  # noqa: BLE001 - whatever a plugin raises was counted
            return None

    def begin(self, arguments: Arguments) -> Begun | Any:
        """Call it and run it to where it first waits; returns its result, or what to give to :meth:`finish`.

        Raises:
            HookRefused, InvalidInput: From strict hooks: the plugin said no, as it may.
            CallFailed: Whatever else went wrong.
        """
        started_ns = perf_counter_ns()
        if not self._is_async:
            return Begun(started_ns, None, arguments)
        try:
            wanted = arguments if self._picks is None else self._picked(arguments)
            result = self._guard.begin(self._note, self._function, wanted)
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is judged
            self._raise(error, perf_counter_ns() - started_ns)
        if type(result) is Waiting:
            return Begun(started_ns, result, arguments)
        self.gauge.succeeded(perf_counter_ns() - started_ns)
        return result

    async def finish(self, begun: Begun, deadline_s: float) -> Any:
        """Await the rest, or the thread; raises as :meth:`begin`."""
        try:
            if begun.waiting is None:
                result = await self._run_in_thread(begun.arguments, deadline_s)
            else:
                result = await self._guard.finish(begun.waiting, deadline_s=deadline_s)
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is judged
            self._raise(error, perf_counter_ns() - begun.started_ns)
        self.gauge.succeeded(perf_counter_ns() - begun.started_ns)
        return result

    def _raise(self, error: BaseException, duration_ns: int) -> NoReturn:
        judged = self._judged(error, duration_ns)
        if judged is error:
            raise error
        raise judged from error

    def _picked(self, arguments: Arguments) -> Arguments:
        return arguments if self._picks is None else tuple([arguments[index] for index in self._picks])

    async def _run_in_thread(self, arguments: Arguments, deadline_s: float) -> Any:
        result = await self._guard.run_in_thread(
            self._note, self._function, self._picked(arguments), deadline_s=deadline_s
        )
        if inspect.isawaitable(result):
            raise TypeError("a plain function returned something to await; declare it `async def`")
        return result

    def _judged(self, error: BaseException, duration_ns: int) -> BaseException:
        """Tell a refusal and a caller who went away from a fault, count each, and return what to raise."""
        if self.kind.strict and isinstance(error, HookRefused | InvalidInput):
            self.gauge.succeeded(duration_ns)
            return error
        if isinstance(error, GeneratorExit) or (isinstance(error, asyncio.CancelledError) and is_being_cancelled()):
            self.gauge.gave_up()
            return error
        reason = describe(error)
        self.gauge.failed(duration_ns, reason)
        return CallFailed(self.plugin, self.hook, reason)


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the arguments that it is called with: those without a default, as pluggy sees them."""
    return tuple(
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    )


def describe(error: BaseException) -> str:
    """Say in one line of at most 200 characters what was raised; its own ``__str__`` may be broken as well."""
    try:
        text = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001 - a plugin's error is a plugin's code
        text = "(its text cannot be shown)"
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
