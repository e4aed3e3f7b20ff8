"""Takes the hook implementations out of what a plugin's entry point names, with pluggy as judge of their validity."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import pluggy

from maydan import hookspecs
from maydan.errors import PluginRejected
from maydan.plugins.calls import HookCall
from maydan.plugins.guard import Guard
from maydan.plugins.kinds import HookKind, kind_of


def hook_arguments(*modules: ModuleType) -> Mapping[str, tuple[str, ...]]:
    """Return every specified hook with its arguments, in order of the file."""
    manager = _manager(modules or (hookspecs,))
    return {
        name: tuple(inspect.signature(function).parameters)
        for module in modules or (hookspecs,)
        for name, function in vars(module).items()
        if manager.parse_hookspec_opts(module, name) is not None
    }


def implementations_of(guard: Guard, name: str, target: object) -> Mapping[str, HookCall]:
    """Return a plugin's hook calls.

    Each plugin gets a manager of its own, so that a fault is that plugin's and nothing has to be unregistered.

    Raises:
        PluginRejected: A hook or an argument does not exist, or a hook is of a form that we do not call.
    """
    manager = _manager((hookspecs,))
    try:
        manager.register(target, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginRejected(_in_words(error, _unknown_hooks(manager))) from error
    specified = hook_arguments()
    _check_marks(target, specified)
    calls: dict[str, HookCall] = {}
    for hook, arguments in specified.items():
        for found in getattr(manager.hook, hook).get_hookimpls():
            _check_form(hook, found)
            calls[hook] = HookCall(guard, name, hook, found.function, arguments)
    if not calls:
        raise PluginRejected("it implements no hook; is @hookimpl missing?")
    return calls


def shut_calls(guard: Guard, name: str) -> Mapping[str, HookCall]:
    """Return calls of every strict hook for a plugin that is not loaded: nobody knows which of them it implements."""

    def never() -> None:
        raise PluginRejected("a plugin that is not loaded was called")

    return {
        hook: HookCall(guard, name, hook, never, arguments)
        for hook, arguments in hook_arguments().items()
        if kind_of(hook).strict
    }


def _manager(modules: Iterable[ModuleType]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    for module in modules:
        manager.add_hookspecs(module)
    return manager


def _unknown_hooks(manager: pluggy.PluginManager) -> list[str]:
    known = hook_arguments()
    return [name for name in vars(manager.hook) if not name.startswith("_") and name not in known]


def _in_words(error: Exception, unknown: list[str]) -> str:
    if unknown:
        close = get_close_matches(unknown[0], hook_arguments(), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"there is no hook {unknown[0]}{hint}"
    return " ".join(str(error).split())


def _check_marks(target: object, specified: Iterable[str]) -> None:
    """Refuse what pluggy would pass over in silence: a hook without its mark, and a mark on what is no function."""
    mark = f"{hookspecs.PROJECT}_impl"
    for name in dir(target):
        value = getattr(target, name, None)
        is_marked = isinstance(getattr(value, mark, None), dict)
        if is_marked and not inspect.isroutine(value):
            raise PluginRejected(f"{name} is marked with @hookimpl and is no function")
        if not is_marked and name in specified and callable(value):
            raise PluginRejected(f"{name} lacks @hookimpl")


def _check_form(hook: str, found: Any) -> None:
    if found.wrapper or found.hookwrapper:
        raise PluginRejected(f"{hook}: wrappers are not called here; use a check_ or transform_ hook")
    if found.tryfirst or found.trylast:
        raise PluginRejected(f"{hook}: tryfirst and trylast are not used here; order follows `requires`, then the name")
    asynchronous = inspect.iscoroutinefunction(found.function)
    if asynchronous and kind_of(hook) in (HookKind.SETUP, HookKind.PROVIDE):
        raise PluginRejected(f"{hook}: hooks of the start are plain functions, without async")
