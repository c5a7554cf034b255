"""The deeds in the trail in the words that people read, and what was changed by them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from app.queries.audit_chain import ANCHORED

#: Groups of deeds for a filter, by name: label, and words for each deed.
GROUPS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "downloads": (
        "Downloads",
        {
            "upload.downloaded": "Downloaded",
            "upload.salvaged": "Taken without the infected files",
            "upload.download_cut": "Download stopped by the portal",
        },
    ),
    "bundles": (
        "Bundles",
        {
            "upload.started": "Upload started",
            "upload.receiving": "Being received",
            "upload.sealed": "Everything arrived",
            "upload.rejected": "Not accepted",
            "upload.abandoned": "Given up",
            "upload.deleted": "Deleted",
            "upload.attached": "Put into a case",
            "upload.assigned": "Made somebody's work",
            "upload.moved": "Moved to another storage",
            "upload.kept": "Kept until another day",
            "upload.held": "Put on legal hold",
            "upload.hold_ended": "Legal hold taken off",
        },
    ),
    "checks": (
        "Virus checks",
        {
            "upload.scanning": "Virus check started",
            "upload.waiting": "Virus check put off",
            "upload.clean": "No virus found",
            "upload.infected": "Virus found",
            "upload.unscannable": "Could not be checked completely",
            "upload.integrity_failed": "Stored bytes changed",
            "upload.rescan_asked": "Second virus check asked for",
            "upload.rescanned": "Checked again",
            "upload.rescan_failed": "Second virus check came to nothing",
            "upload.recalled": "Virus found later",
            "upload.released": "Released",
            "upload.release_withdrawn": "Release taken back",
            "gate.opened": "Virus checks go on",
            "gate.closed": "Virus checks stopped",
            "gate.rescans_asked": "Checks of a doubtful scanner asked for again",
        },
    ),
    "sessions": (
        "Signing in",
        {
            "session.begun": "Signed in",
            "session.confirmed": "Proved again who they are",
            "session.refused": "Sign-in refused",
            "session.ended": "Signed out",
            "session.others_ended": "Other sessions ended",
        },
    ),
    "accounts": (
        "People and tokens",
        {
            "account.created": "Account made",
            "account.invited": "Invited",
            "account.activated": "Account activated",
            "account.password_set": "Password changed",
            "account.changed": "Account changed",
            "account.mail_changed": "Mail address changed",
            "account.suspended": "Account suspended",
            "account.resumed": "Account let in again",
            "account.sessions_ended": "All sessions ended",
            "account.tokens_revoked": "All tokens revoked",
            "account.reset_asked": "New password asked for",
            "account.reset_sent": "Link for a new password sent",
            "account.manner_chosen": "Language or time zone chosen",
            "account.notices_chosen": "Notices chosen",
            "account.times_chosen": "Quiet hours or daily mail chosen",
            "account.case_followed": "Watching or muting a case chosen",
            "account.unsubscribed": "Unsubscribed by a link in a mail",
            "token.issued": "Token made",
            "token.revoked": "Token revoked",
        },
    ),
    "factors": (
        "Second factors",
        {
            "factor.app_proposed": "Authenticator app offered",
            "factor.app_added": "Authenticator app added",
            "factor.app_removed": "Authenticator app removed",
            "factor.passkey_added": "Passkey added",
            "factor.passkey_renamed": "Passkey renamed",
            "factor.passkey_removed": "Passkey removed",
            "factor.passkey_copied": "Passkey that may be a copy",
            "factor.codes_made": "Recovery codes made",
            "factor.code_used": "Recovery code used",
            "factor.reset": "Second factors taken away",
        },
    ),
    "organisations": (
        "Organisations",
        {
            "organisation.created": "Organisation made",
            "organisation.changed": "Organisation changed",
            "organisation.suspended": "Organisation suspended",
            "organisation.resumed": "Organisation let in again",
            "organisation.quota_set": "Quota set",
            "organisation.recounted": "Counters put right",
        },
    ),
    "cases": (
        "Cases and tickets",
        {
            "case.created": "Case made",
            "case.retitled": "Case renamed",
            "case.closed": "Case closed",
            "case.reopened": "Case reopened",
            "case.removed": "Empty case removed",
            "case.retention_set": "How long its bundles are kept",
            "case.held": "Case put on legal hold",
            "case.hold_ended": "Legal hold taken off a case",
            "ticket.issued": "Ticket made",
            "ticket.refreshed": "Ticket extended",
            "ticket.revoked": "Ticket withdrawn",
        },
    ),
    "integrations": (
        "Sign-in providers and machines",
        {
            "provider.created": "Sign-in provider added",
            "provider.changed": "Sign-in provider changed",
            "provider.enabled": "Sign-in provider turned on",
            "provider.disabled": "Sign-in provider turned off",
            "identity.linked": "Sign-in at a provider linked",
            "machine.created": "Service account made",
            "issuer.created": "Issuer of machine tokens added",
            "issuer.changed": "Issuer of machine tokens changed",
            "issuer.enabled": "Issuer of machine tokens turned on",
            "issuer.disabled": "Issuer of machine tokens turned off",
        },
    ),
    "channels": (
        "Channels and deliveries",
        {
            "channel.created": "Channel made",
            "channel.changed": "Channel changed",
            "channel.removed": "Channel removed",
            "channel.paused": "Channel paused",
            "channel.resumed": "Channel resumed",
            "channel.tested": "Test sent to a channel",
            "channel.secret_made": "Signing secret of a channel renewed",
            "channel.secret_forgotten": "Old signing secret of a channel forgotten",
            "delivery.retried": "Dead letter tried again",
            "delivery.replayed": "Message to a channel sent again",
        },
    ),
    "jobs": (
        "Jobs of the portal",
        {"job.retried": "Failed job asked for again", "job.forgotten": "Failed job forgotten"},
    ),
    "trail": (
        "This trail",
        {ANCHORED: "End of the chain written down", "audit.exported": "Trail exported"},
    ),
}

_WORDS: Final = {action: words for _, deeds in GROUPS.values() for action, words in deeds.items()}


def deed(action: str) -> str:
    """Return a deed in words; one that nobody named here stays as it is."""
    return _WORDS.get(action, action)


def actions_of(chosen: str) -> tuple[str, ...]:
    """Return the deeds of a group, or the one deed that was chosen."""
    if chosen in GROUPS:
        return tuple(GROUPS[chosen][1])
    return (chosen,) if chosen else ()


def changes(detail: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of what a deed changed; ``what`` is empty where there is but one thing."""
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        return [("", _text(before), _text(after))] if before != after else []
    old = before if isinstance(before, Mapping) else {}
    new = after if isinstance(after, Mapping) else {}
    return [
        (spoken(what), _text(old.get(what)), _text(new.get(what)))
        for what in {**old, **new}
        if old.get(what) != new.get(what)
    ]


def particulars(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (what, value) of all else that was written down with a deed."""
    return [(spoken(what), _text(value)) for what, value in detail.items() if what not in {"before", "after"}]


def spoken(key: str) -> str:
    """Return ``quota_bytes`` as "Quota bytes"."""
    return key.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(map(str, value)) or "nothing"
    return json.dumps(value, ensure_ascii=False)
