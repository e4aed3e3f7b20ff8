"""What an integrator may set about accounts and mail."""

from __future__ import annotations

from typing import ClassVar, Final

from msgspec import Struct, field

from maydan.secret import Secret, mask_url

ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519"})
"""Signatures with a key pair (RFC 7518, RFC 8037); never ``none``, never a shared secret."""

LEAST_HASH_MEMORY_KIB: Final = 8
"""Blocks of 1 KiB that argon2 needs for one lane (RFC 9106)."""


class OidcProvider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table ``[auth.oidc.<name>]`` of ``maydan.toml``: a provider through which people sign in."""

    issuer: str
    """Such as ``https://accounts.example``; its description is read from ``/.well-known/openid-configuration``."""
    client_id: str
    client_secret: Secret = Secret("")
    """Empty for a public client: the proof key (PKCE) is always sent."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    """With which identity tokens may be signed."""
    redirect_path: str = ""
    """Path on ``[server] base_url`` to which the provider sends browsers back; empty: our own callback."""
    link_by_email: bool = False
    """An identity signs in to the account with the address that the provider verified."""
    create_accounts: bool = False
    """An identity whose address has no account gets one."""
    allow_private: bool = False
    """The provider may be in a private network."""

    def __post_init__(self) -> None:
        """Refuse algorithms that prove nothing, and scopes with which nobody is identified."""
        wrong = sorted(set(self.algorithms) - ALGORITHMS)
        if wrong or not self.algorithms:
            raise ValueError(f"algorithms: expected some of {', '.join(sorted(ALGORITHMS))}")
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid is missing")


class AuthSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[auth]`` table of ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str](
        {"hash_waiting", "mail_requests_per_hour", "invitations_per_hour", "oidc_starts_per_hour"}
    )

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
    oidc: dict[str, OidcProvider] = field(default_factory=dict[str, OidcProvider])
    """Tables ``[auth.oidc.<name>]``, one for each provider through which people sign in, and JSON in the variable; see
    accounts.md."""
    oidc_starts_per_hour: int = 300
    """Logins through providers that one network address begins in an hour; then 429."""
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

    def __post_init__(self) -> None:
        """Refuse what argon2id cannot work with."""
        if self.hash_memory_kib < LEAST_HASH_MEMORY_KIB:
            raise ValueError(f"hash_memory_kib: expected at least {LEAST_HASH_MEMORY_KIB}, got {self.hash_memory_kib}")


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The ``[mail]`` table of ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]()

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
