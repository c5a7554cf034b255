"""Where passkeys are good: written as browsers write it (RFC 6454)."""

import pytest

from app.domain.passkey_origin import origin, relying_party


@pytest.mark.parametrize(
    ("base_url", "signs_for", "belongs_to"),
    [
        ("https://upload.example.com", "https://upload.example.com", "upload.example.com"),
        ("https://Upload.Example.com:443", "https://upload.example.com", "upload.example.com"),
        ("https://upload.example.com:8443", "https://upload.example.com:8443", "upload.example.com"),
        ("http://localhost:8000", "http://localhost:8000", "localhost"),
        ("http://localhost:80", "http://localhost", "localhost"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", None),
        ("http://[::1]:8000", "http://[::1]:8000", None),
    ],
)
def test_a_base_url(base_url: str, signs_for: str, belongs_to: str | None) -> None:
    assert (origin(base_url), relying_party(base_url)) == (signs_for, belongs_to)
