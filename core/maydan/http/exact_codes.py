"""What the codes mean that say more than the class of an error does; the reference page explains each."""

from __future__ import annotations

from typing import Final

EXACT_CODES: Final[dict[str, tuple[int, str]]] = {
    "address_taken": (409, "Another account has the address by now."),
    "bad_idempotency_key": (400, "An Idempotency-Key is 1 to 255 visible ASCII characters."),
    "bad_ticket": (401, "The ticket was used, or is too old; get another one."),
    "body_required": (400, "The request needs a body."),
    "built_in_role": (409, "The role belongs to the instance; it cannot be given, or deleted."),
    "code_required": (401, "The password is right; the code of the second factor is needed too."),
    "comments_closed": (409, "Nobody comments on this entry any more."),
    "database_lost": (503, "The database cannot be reached."),
    "duplicate_member": (400, "A member is given twice in one JSON object."),
    "email_not_verified": (403, "The e-mail address must be verified first, with the link in the mail."),
    "idempotency_key_required": (400, "The request needs an Idempotency-Key."),
    "idempotency_key_reused": (422, "The Idempotency-Key was used for another request."),
    "invalid_job_state": (409, "The job is not in a state in which this can be done."),
    "invalid_transition": (409, "The step does not lead out of the present state; `allowed` names those that do."),
    "last_identity": (409, "Nobody could sign in to the account any more; set a password first."),
    "locked": (409, "Somebody else holds the entry's edit lock; `expires_at` says until when."),
    "invitation_void": (409, "Whoever sent the invitation may not hand out its roles any more."),
    "not_ready": (503, "The database does not answer."),
    "not_linked": (403, "No account belongs to the identity of the provider."),
    "own_account": (409, "Nobody suspends their own account."),
    "provider_refused": (401, "What came back from the provider is no answer to this login; begin again."),
    "query_limit": (503, "The query took too long and was ended."),
    "race": (503, "Others changed the same rows again and again."),
    "referenced": (409, "Other entries link to this one and do not let it go."),
    "role_in_use": (409, "Another role contains this one."),
    "share_password": (401, "The link has a password, and it is missing or wrong."),
    "single_type": (409, "The type has one entry, and there is one already."),
    "states_in_use": (409, "Entries are in states that would be gone; `mapping` says what becomes of them."),
    "stopping": (503, "The process is stopping."),
    "too_deep": (400, "The body is nested too deeply."),
    "too_many_lines": (413, "A bulk has too many lines."),
    "too_many_references": (409, "Too many links lead to what would be deleted."),
    "too_many_shares": (409, "The entry, or the space, has as many shares as it may have."),
    "too_many_values": (400, "The body has more values than anything has a use for."),
    "too_many_webhooks": (409, "The space has as many webhooks as it may have."),
    "totp_active": (409, "The account has a second factor already."),
    "unknown_locale": (400, "The space has no such locale."),
    "webhook_disabled": (409, "The webhook is switched off."),
    "webhook_not_interested": (409, "The webhook does not take such events any more."),
    "wrong_code": (401, "The password is right, but the code of the second factor is not, or it was used already."),
}
"""By code: the status, and what happened. A test finds each ``code=`` in the core."""
