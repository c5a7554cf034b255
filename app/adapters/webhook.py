"""Webhooks: a signed POST of JSON (CloudEvents 1.0, signed as in Standard Webhooks 1.0)."""

import base64
import hashlib
import hmac
import time

from app.adapters import envelope, hook
from app.adapters.guarded_http import GuardedHttp
from app.ports import Message

_PREFIX = "whsec_"


class Webhook:
    """Sends the same ``webhook-id`` however often it tries, and a new ``webhook-timestamp``."""

    def __init__(self, http: GuardedHttp, source: str) -> None:
        self._http, self._source = http, source

    def send(self, message: Message) -> None:
        """Post the event; see the port."""
        body = envelope.as_text(message, self._source).encode()
        at = str(int(time.time()))  # when it leaves this machine: who gets it compares it with a clock, too
        headers = {
            "Content-Type": envelope.CONTENT_TYPE,
            "webhook-id": message.key,
            "webhook-timestamp": at,
            "Idempotency-Key": message.key,
        }
        if message.secret:
            headers["webhook-signature"] = signatures(message.secret, message.key, at, body)
        hook.post(self._http, message.to, body, headers)


def signatures(secrets: str, key: str, at: str, body: bytes) -> str:
    """Return the signature under each of ``secrets``, apart by blanks: ``v1,`` and base64 of HMAC-SHA256.

    While a secret is exchanged there are two, so that whoever has either can verify.
    """
    signed = b".".join((key.encode(), at.encode(), body))
    return " ".join(f"v1,{_hmac(secret, signed)}" for secret in secrets.split())


def _hmac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
