"""What scripts/smoke.py asks of a portal behind TLS. T17."""

from email.message import Message

import pytest

from scripts.smoke import Answer, Portal, SmokeError, closed_doors, sign_in_page

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Set-Cookie": "__Host-session=x; Secure; HttpOnly; Path=/; SameSite=Lax",
}
DOORS = {
    "/api/v1/uploads": (401, {}),
    "/metrics": (404, {}),
    "http://upload.example.com/sign-in": (301, {"Location": "https://upload.example.com/sign-in"}),
}


class Behind(Portal):
    """A portal behind TLS that answers as told."""

    def __init__(self, pages: dict[str, tuple[int, dict[str, str]]]) -> None:
        super().__init__("https://upload.example.com", None)
        self.pages = pages

    def ask(self, method: str, path: str, body: bytes | None = None, *, signed: bool = False) -> Answer:
        assert (method, body, signed) == ("GET", None, False)
        status, given = self.pages[path]
        headers = Message()
        for name, value in given.items():
            headers[name] = value
        return Answer(status, headers, b"<form>csrf")


def test_what_is_right_passes() -> None:
    sign_in_page(Behind({"/sign-in": (200, HEADERS)}))
    closed_doors(Behind(DOORS))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Strict-Transport-Security": ""}, "Strict-Transport-Security"),
        ({"Set-Cookie": "session=x; HttpOnly; Path=/"}, "sets session without secure"),
        ({"Set-Cookie": "session=x; Secure; Path=/"}, "sets session without httponly"),
    ],
)
def test_what_the_sign_in_page_lacks_is_said(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SmokeError, match=said):
        sign_in_page(Behind({"/sign-in": (200, HEADERS | changed)}))


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/api/v1/uploads", (200, {}), "answers 200 instead of 401"),
        ("/metrics", (200, {}), "/metrics answers 200 instead of 404"),
        ("http://upload.example.com/sign-in", (200, {}), "answers 200 instead of 301"),
        (
            "http://upload.example.com/sign-in",
            (301, {"Location": "http://elsewhere.example"}),
            "plain HTTP is not led to HTTPS",
        ),
    ],
)
def test_a_door_that_is_open_is_said(path: str, answer: tuple[int, dict[str, str]], said: str) -> None:
    with pytest.raises(SmokeError, match=said):
        closed_doors(Behind(DOORS | {path: answer}))
