"""Passwords: which are accepted, and how they are kept (argon2id, in a few threads of their own)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from maydan.accounts._common_passwords import COMMON
from maydan.errors import InputError, InvalidInput, Unavailable
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.accounts.settings import AuthSettings

T = TypeVar("T")

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 256
"""NIST SP 800-63B, section 5.1.1.2: at least 8 and up to at least 64 characters, no rules about their kinds."""


def check_password(password: str, *, pointer: str = "/password", personal: tuple[str, ...] = ()) -> None:
    """Refuse a password that is too short, too long or among the first that anybody tries.

    Args:
        password: As it was given.
        pointer: Where it stands in the body.
        personal: Texts that everybody knows of the person: the address, the name.
    Raises:
        InvalidInput: It is not acceptable.
    """
    text = normal_form(password)
    folded = text.casefold()
    if len(text) < MIN_LENGTH:
        code, message = "too_short", f"Use at least {MIN_LENGTH} characters."
    elif len(text) > MAX_LENGTH:
        code, message = "too_long", f"Use at most {MAX_LENGTH} characters."
    elif folded in COMMON or len(set(folded)) < 3 or folded in {part.casefold() for part in personal}:
        code, message = "too_common", "This is one of the first passwords that anybody would try."
    else:
        return
    raise InvalidInput("The password is not acceptable.", errors=(InputError(pointer, code, message),))


def normal_form(password: str) -> str:
    """Return the password as it is hashed, so that every keyboard that shows the same text gives the same (NFKC).

    What is longer than any password can be written is cut, to something that is still none.
    """
    return normalized("NFKC", password[: 4 * MAX_LENGTH + 1])


class Passwords:
    """Hashes and checks passwords without holding up the event loop."""

    def __init__(self, settings: AuthSettings) -> None:
        """Take the cost from the settings; the threads start with the first password."""
        self._hasher = PasswordHasher(
            time_cost=settings.hash_passes, memory_cost=settings.hash_memory_kib, parallelism=1
        )
        self._threads = settings.hash_threads
        self._places = BoundedSemaphore(settings.hash_threads + settings.hash_waiting)
        self._executor: ThreadPoolExecutor | None = None
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            Unavailable: Too many others are waiting.
        """
        return await self._run(lambda: self._hasher.hash(normal_form(password)))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether it is the password.

        Args:
            password: As it was given.
            stored: What :meth:`hash` returned; ``None`` or empty where there is no such account: it then takes as long
                and is always false.
        Raises:
            Unavailable: Too many others are waiting.
        """
        return await self._run(lambda: self._verify(normal_form(password), stored))

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether the password was hashed at another cost than is set now."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _verify(self, password: str, stored: str | None) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody has this password")
        try:
            return self._hasher.verify(stored or self._nobody, password) and bool(stored)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many passwords are being checked; try again in a moment.", retry_after_s=2)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="maydan-passwords")
        # The place is given back when the work ends, not when somebody stops waiting for it.
        future = self._executor.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)
