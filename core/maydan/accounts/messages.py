"""The texts of the mail that accounts send, in English and Arabic, as plain text with a small HTML twin."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from html import escape
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Text(Struct, frozen=True):
    """One message in one language: its subject, and its paragraphs before and after the link."""

    subject: str
    before: str
    after: str = ""


TEXTS: Final[Mapping[str, Mapping[str, Text]]] = {
    "verify": {
        "en": Text(
            "Verify your e-mail address",
            "Somebody, probably you, registered with this address. Open this link to verify it:",
            "If it was not you, do nothing.",
        ),
        "ar": Text(
            "تأكيد عنوان بريدك الإلكتروني",
            "سجّل أحدهم حسابًا بهذا العنوان، وغالبًا هو أنت. افتح هذا الرابط لتأكيده:",
            "إن لم تكن أنت فلا تفعل شيئًا.",
        ),
    },
    "email": {
        "en": Text(
            "Verify your new e-mail address",
            "Open this link to use this address for your account from now on:",
            "If you did not ask for this, do nothing.",
        ),
        "ar": Text(
            "تأكيد عنوان بريدك الإلكتروني الجديد",
            "افتح هذا الرابط ليصبح هذا العنوان عنوان حسابك من الآن:",
            "إن لم تطلب ذلك فلا تفعل شيئًا.",
        ),
    },
    "reset": {
        "en": Text(
            "Set a new password",
            "Somebody, probably you, asked for a new password for your account. Open this link to set one:",
            "It works once, and not for long. If it was not you, do nothing: your password stays as it is.",
        ),
        "ar": Text(
            "تعيين كلمة مرور جديدة",
            "طلب أحدهم كلمة مرور جديدة لحسابك، وغالبًا هو أنت. افتح هذا الرابط لتعيينها:",
            "يعمل الرابط مرة واحدة ولمدة قصيرة. إن لم تكن أنت فلا تفعل شيئًا، وستبقى كلمة مرورك كما هي.",
        ),
    },
    "taken": {
        "en": Text(
            "You already have an account",
            "Somebody, probably you, tried to register with this address, which already has an account. "
            "Log in with it; if you forgot the password, ask for a new one.",
        ),
        "ar": Text(
            "لديك حساب بالفعل",
            "حاول أحدهم، وغالبًا هو أنت، التسجيل بهذا العنوان وله حساب بالفعل. "
            "سجّل الدخول به، وإن نسيت كلمة المرور فاطلب كلمة جديدة.",
        ),
    },
    "invitation": {
        "en": Text(
            "You are invited to join",
            "Somebody invited you to work with them on this site. Open this link to join:",
            "It works once. If you do not know what this is about, do nothing.",
        ),
        "ar": Text(
            "أنت مدعوّ إلى الانضمام",
            "دعاك أحدهم إلى العمل معه في هذا الموقع. افتح هذا الرابط للانضمام:",
            "يعمل الرابط مرة واحدة. إن كنت لا تعرف شيئًا عن هذا فلا تفعل شيئًا.",
        ),
    },
    "changed": {
        "en": Text(
            "The e-mail address of your account is being changed",
            "Somebody who knows your password asked for another address for your account. "
            "If it was not you, set a new password at once.",
        ),
        "ar": Text(
            "طلب تغيير عنوان البريد الإلكتروني لحسابك",
            "طلب أحدهم ممن يعرفون كلمة مرورك عنوانًا آخر لحسابك. إن لم تكن أنت فعيّن كلمة مرور جديدة فورًا.",
        ),
    },
}
"""By kind, then by language."""

RIGHT_TO_LEFT: Final = frozenset({"ar"})


def language_of(wanted: str) -> str:
    """Return the language, of those that there are texts in, for a BCP 47 tag."""
    language = wanted.partition("-")[0].lower()
    return language if language in TEXTS["verify"] else "en"


def compose(
    kind: str, *, to: str, sender: str, locale: str, link: str | None, site: str, now: datetime
) -> EmailMessage:
    """Return a message that is ready to be sent.

    Args:
        kind: Which of :data:`TEXTS`.
        to: The recipient's address.
        sender: An address, also as ``Name <address>``.
        locale: The recipient's, if known; English where there is no text in its language.
        link: Absolute, with its token.
        site: What the message says it comes from: the instance's base URL.
        now: Its date.
    Raises:
        ValueError: An address holds a line break, so that it would write headers of its own.
    """
    language = language_of(locale)
    text = TEXTS[kind][language]
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = text.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain="maydan.invalid")
    message["Auto-Submitted"] = "auto-generated"
    parts = [part for part in (text.before, link, text.after, f"-- \n{site}") if part]
    message.set_content("\n\n".join(parts) + "\n", cte="quoted-printable")
    message.add_alternative(_html(text, language, link, site), subtype="html", cte="quoted-printable")
    message["Content-Language"] = language
    return message


def _html(text: Text, language: str, link: str | None, site: str) -> str:
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    shown = "" if link is None else f'<p><a href="{escape(link)}" dir="ltr">{escape(link)}</a></p>'
    after = f"<p>{escape(text.after)}</p>" if text.after else ""
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        f"<title>{escape(text.subject)}</title></head><body><p>{escape(text.before)}</p>{shown}{after}"
        f'<p><small dir="ltr">{escape(site)}</small></p></body></html>\n'
    )
