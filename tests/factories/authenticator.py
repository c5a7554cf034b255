"""A security key in software: what it answers is what a browser would send (WebAuthn Level 3)."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

ORIGIN = "http://localhost"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, WITH_KEY = 0x01, 0x04, 0x08, 0x10, 0x40  # flags


@dataclass
class Authenticator:
    """One key pair. ``counter`` None: it does not count; tests change what they like to lie about."""

    origin: str = ORIGIN
    domain: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int | None = 0
    frame: bool = False  # asked from within a page of somebody else's
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    owner: str | None = None  # user handle, as it was given

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the new passkey, for the options of a registration."""
        self.owner = options["user"]["id"]
        public = self.key.public_key().public_numbers()
        cose = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        )
        known = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(self.flags | WITH_KEY) + known
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options["challenge"])
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(said),
                "attestationObject": bytes_to_base64url(attestation),
                "transports": ["internal", "telepathy"],
            }
        )

    def sign(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Return the answer to the options of an authentication, with ``changed`` in its response."""
        if self.counter is not None:
            self.counter += 1
        data = self._data(self.flags)
        said = self._said("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(said),
                "authenticatorData": bytes_to_base64url(data),
                "signature": bytes_to_base64url(signature),
                "userHandle": self.owner,
            }
            | changed
        )

    def _data(self, flags: int) -> bytes:
        count = (self.counter or 0).to_bytes(4, "big")
        return hashlib.sha256(self.domain.encode()).digest() + bytes([flags]) + count

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.frame}
        ).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        known_as = bytes_to_base64url(self.id)
        return {"id": known_as, "rawId": known_as, "type": "public-key", "response": response}
