"""The supervisor, with real processes: plugins that no thread and no deadline can stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

FACTORY = textwrap.dedent(
    """
    import asyncio, json, os, re, time
    from types import SimpleNamespace
    from maydan.content.spaces import Space
    from maydan.errors import ConfigurationError, MaydanError
    from maydan.hookspecs import hookimpl
    from maydan.plugins.discovery import FoundPlugin
    from maydan.plugins.host import HostOptions, PluginHost
    from maydan.plugins.manifest import Manifest
    from maydan.plugins.settings import PluginSettings

    SPACE = Space(key=1, name="demo", title="", locales=("en",), default_locale="en", plugins=("bad",))

    async def check_entry_create(entry):
        if entry == "loop":
            while True:
                pass
        if entry == "exit":
            os._exit(0)
        if entry == "task":
            async def later():
                while True:
                    pass
            asyncio.create_task(later())
            await asyncio.sleep(1)

    def check_entry_delete(entry):
        while entry == "thread":
            time.sleep(0.01)

    def imported():
        match os.environ.get("BAD_IMPORT"):
            case "exit":
                os._exit(0)
            case "hang":
                signal = __import__("signal")
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
                while True:
                    pass
        return SimpleNamespace(
            check_entry_create=hookimpl(check_entry_create), check_entry_delete=hookimpl(check_entry_delete)
        )

    def factory(*, guard, isolated, background):
        if os.environ.get("CONFIGURATION") == "wrong":
            raise ConfigurationError("maydan.toml: it is wrong")
        if os.environ.get("CONFIGURATION") == "crash":
            raise RuntimeError("crash")
        guard.threads.lost_after_s = 0.2
        manifest = Manifest(name="bad", version="1.0", hook_api=">=1")
        host = PluginHost.load(
            PluginSettings(enabled=("bad",)),
            found=[FoundPlugin(name="bad", manifest=manifest, load=imported)],
            guard=guard,
            options=HostOptions(isolated=isolated),
        )

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                while (await receive())["type"] == "lifespan.startup":
                    await send({"type": "lifespan.startup.complete"})
                await send({"type": "lifespan.shutdown.complete"})
                return
            verb, _, what = scope["path"].strip("/").partition("/")
            code = ""
            try:
                if verb == "create":
                    await host.hooks.check_entry_create(SPACE, what, None)
                if verb == "delete":
                    await host.hooks.check_entry_delete(SPACE, what, None)
                if verb == "sleep":
                    await asyncio.sleep(float(what))
            except MaydanError as error:
                code = error.error_code
            state = host.state("bad")
            body = {"pid": os.getpid(), "background": background, "code": code}
            body |= {"state": state.state, "reason": state.reason}
            await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

        return app
    """
)
RUN = textwrap.dedent(
    """
    import sys
    from maydan.cli.supervisor import ServeOptions, Supervisor

    options = ServeOptions(
        port=int(sys.argv[2]), workers=int(sys.argv[1]), factory="supervised:factory", stalled_s=1.5,
        on_ready=lambda url: print(url, flush=True),
    )
    sys.exit(Supervisor(options).run())
    """
)


class Server:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, workers: int, port: int, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "run.py"), str(workers), str(port)],
            env={**os.environ, "PYTHONPATH": str(folder), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.client = httpx.Client(timeout=20, trust_env=False)

    def ask(self, path: str = "/") -> dict[str, Any]:
        return self.client.get(self.url + path).json()

    def provoke(self, path: str) -> None:
        """Ask for what ends the worker."""
        with pytest.raises(httpx.HTTPError):
            self.ask(path)

    def until(self, wanted: Callable[[dict[str, Any]], bool], within_s: float = 15) -> dict[str, Any]:
        """Ask until the answer is as wanted."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            try:
                answer = self.ask()
            except httpx.HTTPError:
                continue
            if wanted(answer):
                return answer
            time.sleep(0.02)
        raise AssertionError("it never answered as wanted")

    def stop(self) -> tuple[int, str]:
        """End it; returns its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=40)
        return self.process.returncode, said


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a supervisor; keywords are variables of the environment."""
    (tmp_path / "supervised.py").write_text(FACTORY)
    (tmp_path / "run.py").write_text(RUN)
    started: list[Server] = []

    def serve(workers: int = 1, port: int = 0, **variables: str) -> Server:
        started.append(Server(tmp_path, workers, port, variables))
        return started[-1]

    yield serve
    for server in started:
        if server.process.poll() is None:
            server.stop()
        for stream in (server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()
        server.client.close()


@pytest.mark.parametrize("fault", ["loop", "exit", "task"])
def test_a_hook_that_stops_the_worker_is_isolated_and_the_rest_serve(serve: Serve, fault: str) -> None:
    """A loop, an exit, a loop in a task of its own: the next worker knows whom not to call, and fails closed."""
    server = serve()
    before = server.ask()
    server.provoke(f"/create/{fault}")
    after = server.ask("/create/anything")
    assert (before["state"], after["state"], after["code"]) == ("active", "isolated", "plugin_isolated")
    assert "check_entry_create" in after["reason"]
    assert server.stop()[0] == 0


def test_a_thread_that_never_ends_gets_the_worker_replaced(serve: Serve) -> None:
    """What is under way in the old worker is finished there."""
    server = serve()
    before = server.ask()
    assert server.ask("/delete/thread")["code"] == "plugin_error"
    after = server.until(lambda answer: answer["pid"] != before["pid"])
    assert (after["state"], "check_entry_delete" in after["reason"]) == ("isolated", True)
    assert server.stop()[0] == 0


@pytest.mark.parametrize("fault", ["exit", "hang"])
def test_an_import_that_stops_the_worker_fails_that_plugin(serve: Serve, fault: str) -> None:
    """Even one that Python's own deadline cannot interrupt."""
    answer = serve(BAD_IMPORT=fault).ask("/create/anything")
    assert (answer["state"], answer["code"]) == ("failed", "")
    assert "import" in answer["reason"]


def test_a_worker_that_is_killed_from_outside_is_replaced_and_nobody_blamed(serve: Serve) -> None:
    """SIGKILL says nothing about whose turn it was."""
    server = serve()
    pid = server.ask()["pid"]
    os.kill(pid, signal.SIGKILL)
    after = server.until(lambda answer: answer["pid"] != pid)
    assert after["state"] == "active"


def test_several_workers_share_the_socket_and_one_does_the_background_work(serve: Serve) -> None:
    """Which of them answers is the kernel's choice."""
    server = serve(workers=2)
    answers = {answer["pid"]: answer["background"] for answer in (server.ask() for _ in range(200))}
    assert sorted(answers.values()) == [False, True]
    assert server.stop()[0] == 0


def test_hup_replaces_the_workers_without_refusing_anybody(serve: Serve) -> None:
    """The socket stays the supervisor's, so there is always somebody who listens."""
    server = serve()
    before = server.ask()["pid"]
    server.process.send_signal(signal.SIGHUP)
    assert server.until(lambda answer: answer["pid"] != before)["state"] == "active"


def test_a_request_under_way_is_finished_before_the_stop(serve: Serve) -> None:
    """SIGTERM loses nothing that was accepted."""
    server = serve()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.ask, "/sleep/1")
        time.sleep(0.4)
        assert server.stop()[0] == 0
        assert answer.result()["state"] == "active"


def test_workers_do_not_outlive_their_supervisor(serve: Serve) -> None:
    """After ``kill -9`` of the parent the port is free again, and the next one takes it."""
    server = serve()
    port = int(server.url.rpartition(":")[2])
    server.process.kill()
    server.process.wait()
    assert serve(port=port).ask()["state"] == "active"


@pytest.mark.parametrize(
    ("configuration", "code", "said"),
    [("wrong", 2, "maydan: maydan.toml: it is wrong"), ("crash", 1, "RuntimeError: crash")],
)
def test_what_cannot_start_is_given_up_with_its_reason(serve: Serve, configuration: str, code: int, said: str) -> None:
    """A mistake of the operator at once and with the command's own exit code, a crash after a few tries."""
    server = serve(CONFIGURATION=configuration)
    _, told = server.process.communicate(timeout=30)
    assert server.process.returncode == code
    assert said in told


def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    """One line, with the address."""
    port = serve().url.rpartition(":")[2]
    _, told = serve(port=int(port)).process.communicate(timeout=30)
    assert f"cannot listen on 127.0.0.1:{port}" in told
