"""Waking the other processes of this host that use the same file, over datagram sockets in a folder beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets
import socket
import stat
from pathlib import Path
from typing import Final

from maydan.storage.signals import ELSEWHERE, Signals

FOLDER_SUFFIX: Final = ".signals"
_NAME: Final = re.compile(r"[0-9a-f]{16}")
_HINT: Final = b"!"
_TELL_EVERY_S: Final = 0.005
"""Seconds between two hints of one process: many commits are one hint."""
_LONGEST_PATH: Final = 100
"""Bytes of a socket's path that every system takes; longer ones go by way of ``/proc``."""
_MOST_READ: Final = 1000

_logger = logging.getLogger(__name__)


class Waking:
    """Tells other processes of commits that somebody waits for, and passes their hints on.

    Each process that listens has a socket of a random name in ``<database>.signals``; a hint says nothing but "look".
    A hint may be lost: whoever must not miss anything also looks at the file's version. Where sockets cannot be made
    (another system, a folder of somebody else) that alone is left.
    """

    def __init__(self, path: str, signals: Signals) -> None:
        """Prepare for the database file; nothing is made before :meth:`tell_others` and :meth:`listen`."""
        self._folder = Path(f"{path}{FOLDER_SUFFIX}")
        self._signals = signals
        self._name = secrets.token_hex(8)
        self._sender: socket.socket | None = None
        self._receiver: socket.socket | None = None
        self._folder_fd = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: asyncio.TimerHandle | None = None
        self._told_at_s = 0.0
        self._stop_hearing = lambda: None

    def tell_others(self) -> None:
        """Begin to tell other processes what this one commits."""
        try:
            self._open_folder()
            self._sender = _datagram_socket()
        except OSError as error:
            _logger.info("Other processes will notice commits by looking for them: %s.", error)
            return
        self._loop = asyncio.get_running_loop()
        self._stop_hearing = self._signals.listen(self._committed)

    def listen(self) -> None:
        """Begin to pass on what other processes tell."""
        if self._sender is None or self._loop is None or self._receiver is not None:
            return
        receiver = _datagram_socket()
        try:
            receiver.bind(self._address(self._name))
            (self._folder / self._name).chmod(0o600)
        except OSError as error:
            receiver.close()
            _logger.info("Commits of other processes are noticed by looking for them: %s.", error)
            return
        self._receiver = receiver
        self._loop.add_reader(receiver.fileno(), self._read, receiver)

    def close(self) -> None:
        """Tell what is still to be told, and leave."""
        self._stop_hearing()
        if self._due is not None:
            self._due.cancel()
            self._tell()
        if self._receiver is not None and self._loop is not None:
            self._loop.remove_reader(self._receiver.fileno())
            self._receiver.close()
            with contextlib.suppress(OSError):
                os.unlink(self._name, dir_fd=self._folder_fd)
        if self._sender is not None:
            self._sender.close()
        if self._folder_fd >= 0:
            os.close(self._folder_fd)
        self._sender, self._receiver, self._folder_fd = None, None, -1

    def _open_folder(self) -> None:
        """Make the folder, and hold it open so that it cannot be exchanged for another one."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if os.fstat(self._folder_fd).st_uid != os.geteuid():
            os.close(self._folder_fd)
            self._folder_fd = -1
            raise PermissionError(f"{self._folder} belongs to somebody else")

    def _address(self, name: str) -> str:
        path = str(self._folder / name)
        return path if len(os.fsencode(path)) <= _LONGEST_PATH else f"/proc/self/fd/{self._folder_fd}/{name}"

    def _committed(self, signal: str) -> None:
        """Tell at once, or with what comes in the next few milliseconds."""
        if signal == ELSEWHERE or self._due is not None or self._loop is None:
            return
        wait_s = max(0.0, self._told_at_s + _TELL_EVERY_S - self._loop.time())
        self._due = self._loop.call_later(wait_s, self._tell)

    def _tell(self) -> None:
        self._due = None
        if self._sender is None or self._loop is None:
            return
        self._told_at_s = self._loop.time()
        try:
            names = os.listdir(self._folder_fd)  # noqa: PTH208 - of the folder that is held, whatever its path is now
        except OSError:
            return
        for name in names:
            if name != self._name and _NAME.fullmatch(name):
                self._send(self._sender, name)

    def _send(self, sender: socket.socket, name: str) -> None:
        try:
            if stat.S_ISSOCK(os.lstat(name, dir_fd=self._folder_fd).st_mode):
                sender.sendto(_HINT, self._address(name))
        except ConnectionRefusedError:
            # Its process ended without taking it away.
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self._folder_fd)
        except OSError:
            # Gone meanwhile, or full: then its owner has hints to read.
            return

    def _read(self, receiver: socket.socket) -> None:
        """Pass on any number of hints as one."""
        for _ in range(_MOST_READ):
            try:
                receiver.recv(16)
            except OSError:
                break
        self._signals.send((ELSEWHERE,))


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made
