"""What each kind of hook does with answers and with faults."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from maydan.access.actors import Actor
from maydan.accounts.settings import MailSettings
from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.errors import HookRefused, InvalidInput, NotFound, PluginFailed, PluginIsolated
from maydan.plugins.calls import CallFailed
from maydan.plugins.declarations import Health
from maydan.plugins.dispatcher import Deadlines
from maydan.plugins.gauges import BREAKER_ERRORS
from maydan.plugins.host import PluginHost
from maydan.plugins.loaded import State
from maydan.plugins.views import EntryState

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]
Load = Callable[..., PluginHost]
FAST = Deadlines(strict_s=0.05, observe_s=0.05, collect_s=0.05)
ARTICLE = ContentType(name="article")


def fault() -> None:
    """Raise what no plugin should."""
    raise RuntimeError("boom")


# -- veto ---------------------------------------------------------------------------------------------------------


async def test_a_write_goes_on_when_nobody_refuses(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """Each plugin is asked, in the order of names, with the arguments that it wants."""
    asked: list[object] = []

    async def first(entry: EntryState) -> None:
        asked.append(("a", entry.id))

    async def second(actor: Actor, space: Space) -> None:
        asked.append(("b", actor.kind, space.name))

    host = load(make("b", check_entry_create=second), make("a", check_entry_create=first))
    await host.hooks.check_entry_create(space, entry, actor)
    assert asked == [("a", "1"), ("b", "system", "demo")]


@pytest.mark.parametrize("refusal", [HookRefused("no"), InvalidInput("no")])
async def test_a_refusal_reaches_the_caller_and_stops_the_rest(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor, refusal: Exception
) -> None:
    """The first refusal wins; it is the plugin's right and no fault of it."""
    asked: list[str] = []

    async def refuse() -> None:
        raise refusal

    async def ask() -> None:
        asked.append("b")

    host = load(make("a", check_entry_create=refuse), make("b", check_entry_create=ask))
    with pytest.raises(type(refusal)) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert caught.value is refusal
    assert asked == []
    assert host.state("a").hooks[0].errors == 0


@pytest.mark.parametrize("error", [RuntimeError("boom"), NotFound("boom"), SystemExit(1), KeyboardInterrupt("boom")])
async def test_a_fault_refuses_the_write_and_names_plugin_and_hook(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor, error: BaseException
) -> None:
    """Whatever it raises, the process goes on and the caller gets 503 ``plugin_error``."""

    async def fail() -> None:
        raise error

    host = load(make("a", check_entry_create=fail))
    with pytest.raises(PluginFailed) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert caught.value.error_code == "plugin_error"
    assert (caught.value.facts["plugin"], caught.value.facts["hook"]) == ("a", "check_entry_create")
    assert host.state("a").hooks[0].errors == 1


async def test_a_fault_is_logged_with_its_reason(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller is not told what was raised, so the operator must find it."""

    async def fail() -> None:
        raise RuntimeError("no such printer")

    host = load(make("a", check_entry_create=fail))
    with pytest.raises(PluginFailed):
        await host.hooks.check_entry_create(space, entry, actor)
    assert "The plugin a failed in check_entry_create: RuntimeError: no such printer" in caplog.text


async def test_recursion_without_end_is_a_fault(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """It ends in this plugin, not in this process."""

    async def recurse() -> None:
        await recurse()

    host = load(make("a", check_entry_create=recurse))
    with pytest.raises(PluginFailed) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert "RecursionError" in str(caught.value.facts["reason"])


async def test_a_hook_that_waits_too_long_is_a_fault(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """It is cancelled at its deadline."""
    ended: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    host = load(make("a", check_entry_create=hang), deadlines=FAST)
    with pytest.raises(PluginFailed) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert "took longer than 0.05 s" in str(caught.value.facts["reason"])
    assert ended == ["cancelled"]


async def test_a_plain_function_is_called_in_a_thread_with_the_same_deadline(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """The loop turns meanwhile; the thread is left behind."""
    release = threading.Event()

    def hang() -> None:
        release.wait(60)

    host = load(make("a", check_entry_create=hang), deadlines=FAST)
    with pytest.raises(PluginFailed):
        await host.hooks.check_entry_create(space, entry, actor)
    release.set()


async def test_a_plain_function_may_refuse(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """Its errors mean what they mean on the loop."""

    def refuse() -> None:
        raise HookRefused("no")

    host = load(make("a", check_entry_create=refuse))
    with pytest.raises(HookRefused):
        await host.hooks.check_entry_create(space, entry, actor)


async def test_a_function_that_returns_a_coroutine_is_told_to_be_async(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """A decorator that hides ``async`` would otherwise skip the check in silence."""

    async def check() -> None:
        raise HookRefused("no")

    def hidden() -> object:
        return check()

    host = load(make("a", check_entry_create=hidden))
    with pytest.raises(PluginFailed) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert "async def" in str(caught.value.facts["reason"])


async def test_only_plugins_that_are_active_in_the_space_are_asked(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """A plugin that a space has not switched on knows nothing of it."""

    async def refuse() -> None:
        raise HookRefused("no")

    host = load(make("elsewhere", check_entry_create=refuse))
    await host.hooks.check_entry_create(space, entry, actor)
    assert not host.hooks.listens("check_entry_create", space)


async def test_a_caller_who_goes_away_is_no_fault_of_the_plugin(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """Cancelling the request cancels the hook, and nothing is counted against it."""

    async def hang() -> None:
        await asyncio.sleep(60)

    host = load(make("a", check_entry_create=hang))
    task = asyncio.create_task(host.hooks.check_entry_create(space, entry, actor))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert host.state("a").hooks[0].errors == 0


# -- isolation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_failure", "stands"), [("closed", False), ("open", True)])
async def test_vetoes_of_an_isolated_plugin_fail_as_its_manifest_says(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor, on_failure: str, stands: bool
) -> None:
    """Closed unless it says open."""
    host = load(make("a", manifest={"on_failure": on_failure}, check_entry_create=fault))
    host.isolate("a", "it stalled")
    if stands:
        await host.hooks.check_entry_create(space, entry, actor)
        return
    with pytest.raises(PluginIsolated) as caught:
        await host.hooks.check_entry_create(space, entry, actor)
    assert caught.value.error_code == "plugin_isolated"


async def test_a_released_plugin_is_asked_again(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """Releasing takes effect at once."""
    host = load(make("a", check_entry_create=fault))
    host.isolate("a", "it stalled")
    host.release("a")
    with pytest.raises(PluginFailed):
        await host.hooks.check_entry_create(space, entry, actor)


async def test_a_veto_that_keeps_failing_is_not_asked_any_more(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """The breaker spares the writers the wait; the state names the hook."""
    host = load(make("a", check_entry_create=fault))
    for _ in range(BREAKER_ERRORS):
        with pytest.raises(PluginFailed):
            await host.hooks.check_entry_create(space, entry, actor)
    with pytest.raises(PluginIsolated):
        await host.hooks.check_entry_create(space, entry, actor)
    state = host.state("a")
    assert state.state is State.ISOLATED
    assert "check_entry_create keeps failing: RuntimeError: boom" in state.reason


async def test_an_operator_can_pin_a_plugin(
    make: Make, load: Load, space: Space, entry: EntryState, actor: Actor
) -> None:
    """It is asked however often it failed."""
    host = load(make("a", check_entry_create=fault))
    host.pin("a", active=True)
    for _ in range(BREAKER_ERRORS + 2):
        with pytest.raises(PluginFailed):
            await host.hooks.check_entry_create(space, entry, actor)
    assert host.state("a").state is State.ACTIVE


# -- transform ----------------------------------------------------------------------------------------------------


async def test_each_transform_gets_what_the_one_before_returned(
    make: Make, load: Load, space: Space, actor: Actor
) -> None:
    """``None`` leaves it as it is."""

    async def add_a(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"seen": [*data.get("seen", []), "a"]}

    async def look(data: dict[str, Any]) -> None:
        assert data["seen"] == ["a"]

    async def add_c(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"seen": [*data["seen"], "c"]}

    host = load(
        make("a", transform_entry_input=add_a),
        make("b", transform_entry_input=look),
        make("c", transform_entry_input=add_c),
    )
    assert await host.hooks.transform_entry_input(space, ARTICLE, {}, actor) == {"seen": ["a", "c"]}


async def test_a_transform_of_the_wrong_type_refuses_the_write(
    make: Make, load: Load, space: Space, actor: Actor
) -> None:
    """What it returned is not passed on."""

    async def answer() -> str:
        return "text"

    host = load(make("a", transform_entry_input=answer))
    with pytest.raises(PluginFailed):
        await host.hooks.transform_entry_input(space, ARTICLE, {}, actor)


# -- collect, provide ---------------------------------------------------------------------------------------------


async def test_what_is_collected_is_kept_by_plugin(make: Make, load: Load) -> None:
    """One that fails has its fault in the place of an answer."""

    async def well() -> Health:
        return Health(detail="fine")

    host = load(make("a", collect_health=fault), make("b", collect_health=well))
    parts = await host.hooks.collect_health()
    assert isinstance(parts["a"], CallFailed)
    assert parts["b"] == Health(detail="fine")


async def test_offers_are_kept_by_plugin_and_a_fault_is_none(make: Make, load: Load) -> None:
    """Who wins is for the settings to say; ``None`` and faults are no offers."""
    host = load(
        make("a", provide_mailer=fault),
        make("b", provide_mailer=lambda: "mailer"),
        make("c", provide_mailer=lambda: None),
    )
    assert host.hooks.provide_mailer(MailSettings()) == {"b": "mailer"}
    assert host.state("a").hooks[0].last_error == "RuntimeError: boom"


async def test_the_cores_own_offer_is_the_last_resort(load: Load) -> None:
    """It stands only where no plugin offers anything."""
    assert list(load().hooks.provide_mailer(MailSettings())) == ["smtp"]
