"""What an integrator may set about accounts and mail."""

from __future__ import annotations

from msgspec import Struct

from maydan.secret import mask_url


class AuthSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[auth]`` table of ``maydan.toml``."""

    require_verification: bool = True
    """An account must have proved its address before it can log in; when false every account counts as verified."""
    access_token_s: int = 900
    """Seconds for which an access token is good."""
    refresh_token_s: int = 30 * 24 * 3600
    """Seconds for which a session lives on without being refreshed."""
    mail_token_s: int = 24 * 3600
    """Seconds for which a link to verify an address is good."""
    reset_token_s: int = 3600
    """Seconds for which a link to set a new password is good."""
    login_window_s: int = 300
    """Seconds over which failed logins are counted."""
    login_failures_per_account: int = 10
    """Failed logins for one e-mail address in that time, wherever they come from; then 429."""
    login_failures_per_address: int = 30
    """Failed logins from one network address in that time; then 429."""
    mail_requests_per_hour: int = 60
    """Registrations, and requests for a new password, from one network address in an hour; then 429."""
    code_failures_per_hour: int = 10
    """Wrong codes of a second factor for one account in an hour; then 429."""
    invitations_per_hour: int = 60
    """Invitations by one account in an hour; then 429."""
    invitation_s: int = 7 * 24 * 3600
    """Seconds for which an invitation is good."""
    verify_path: str = "/verify"
    """Path on ``[server] base_url`` to which the mail that verifies an address links, with ``?token=``."""
    reset_path: str = "/reset"
    """Path on ``[server] base_url`` to which the mail for a new password links, with ``?token=``."""
    invitation_path: str = "/invitation"
    """Path on ``[server] base_url`` to which the mail of an invitation links, with ``?token=``."""
    hash_memory_kib: int = 19456
    """Memory of argon2id for one password. 19 MiB with three passes take about 50 ms on a small server's core, and
    are above what OWASP's Password Storage Cheat Sheet asks for."""
    hash_passes: int = 3
    """Passes of argon2id over that memory."""
    hash_threads: int = 2
    """Passwords that one process checks at the same time; more wait."""
    hash_waiting: int = 64
    """Passwords that may wait to be checked; more are refused with 503, so that a storm of logins ends."""


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The ``[mail]`` table of ``maydan.toml``."""

    url: str | None = None
    """``smtp://host:port``, or ``smtps://user:password@host:port`` with TLS from the first byte; a plain connection
    is secured with STARTTLS where the server offers it. Without a URL mail goes to the log, without its tokens."""
    from_: str = "maydan@localhost"
    """The sender's address, also as ``Name <address>``."""
    timeout_s: float = 20.0
    """Seconds after which a server that does not answer counts as down."""
    max_tries: int = 12
    """Deliveries of one message that are tried, over about two days; then it is given up."""

    def __repr__(self) -> str:
        url = None if self.url is None else mask_url(self.url)
        return (
            f"MailSettings(url={url!r}, from_={self.from_!r}, timeout_s={self.timeout_s!r}, "
            f"max_tries={self.max_tries!r})"
        )
