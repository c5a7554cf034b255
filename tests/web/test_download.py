"""The bytes: only of what is clean, whoever asks and however. I3, I4, T17, T26; F-free of exceptions."""

from collections.abc import Iterator
from os import urandom
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.settings import Settings
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem

CANARY = urandom(32)
BUNDLE = make_tgz({"etc/secret": CANARY})
BYTE_ROUTES = ("/download/{}", "/api/v1/uploads/{}/content")
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Range": "bytes=0-"},
    {"Range": "bytes=-100"},
    {"If-None-Match": "*"},
    {"If-Match": "*"},
    {"Accept": "text/html"},
)


@pytest.fixture(params=BYTE_ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    """Give every address under which bytes leave."""
    address: str = request.param
    return address


@pytest.fixture
def clean(customer: Caller, system: System) -> Upload:
    return make_upload(system, customer.actor, UploadState.CLEAN, content=BUNDLE, filename='wéb "01".tgz')


def everything_of(answer: TestResponse) -> bytes:
    content: bytes = answer.data
    return content + repr(list(answer.headers)).encode()


def fragments(content: bytes) -> Iterator[bytes]:
    """Yield pieces by which even a small part of the content would be known."""
    yield from (content[at : at + 16] for at in range(12, len(content) - 16))


@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.CLEAN])
def test_no_byte_of_what_is_not_clean_leaves(
    route: str,
    customer: Caller,
    stranger: Caller,
    engineer: Caller,
    admin: Caller,
    system: System,
    state: UploadState,
) -> None:
    """I3: for every other state, every role, every byte route."""
    upload = make_upload(system, customer.actor, state, content=BUNDLE)
    secrets = [CANARY, *fragments(BUNDLE)]
    for who, status in ((customer, 409), (stranger, 404), (engineer, 409), (admin, 409)):
        for method in ("GET", "HEAD"):
            for headers in HEADERS:
                answer = who.ask(method, route.format(upload.id), headers=headers)
                assert answer.status_code == status, (who.account.role, method, headers)
                assert not [secret for secret in secrets if secret in everything_of(answer)]
    assert deeds(system, "upload.downloaded") == []


def test_a_refusal_says_the_state(customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.INFECTED)
    body = problem(customer.get(f"/api/v1/uploads/{upload.id}/content"), 409, "state_conflict")
    assert body["state"] == "infected"


def test_no_page_shows_a_byte_of_it(
    browser: Browser, admin: Caller, customer: Caller, system: System
) -> None:
    """I3: pages, lists, receipts, error pages."""
    upload = make_upload(system, customer.actor, UploadState.INFECTED, content=BUNDLE)
    browser.sign_in(admin.account.email)
    for path in (
        "/",
        "/files",
        f"/files/{upload.id}",
        f"/files/{upload.id}/receipt",
        f"/download/{upload.id}",
    ):
        answer = browser.get(path)
        assert not [piece for piece in fragments(BUNDLE) if piece in answer.data]


def test_a_download_is_exact_and_can_run_nowhere(route: str, engineer: Caller, clean: Upload) -> None:
    """T17, C9."""
    answer = engineer.get(route.format(clean.id))
    assert answer.status_code == 200
    assert answer.data == BUNDLE
    headers = answer.headers
    assert answer.mimetype == "application/gzip"
    assert headers["Content-Length"] == str(len(BUNDLE))
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''w%C3%A9b%20_01_.tgz" in headers["Content-Disposition"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["ETag"] == f'"{clean.sha256}"'


def test_head_says_what_get_would_send(route: str, engineer: Caller, clean: Upload, system: System) -> None:
    got = engineer.get(route.format(clean.id)).headers
    head = engineer.ask("HEAD", route.format(clean.id))
    assert head.data == b""
    assert dict(head.headers) | {"X-Request-Id": ""} == dict(got) | {"X-Request-Id": ""}
    assert len(deeds(system, "upload.downloaded")) == 1, "nothing left with the HEAD"


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({"Range": "bytes=10-19"}, 206, slice(10, 20)),
        ({"Range": "bytes=10-"}, 206, slice(10, None)),
        ({"Range": "bytes=-10"}, 206, slice(-10, None)),
        ({"Range": "bytes=0-0,5-6"}, 200, slice(None)),
        ({"Range": "bytes=99999-"}, 416, None),
        ({"Range": "bytes=0-9", "If-Range": '"another"'}, 200, slice(None)),
        ({"Range": "bytes=0-9", "If-Range": "THIS"}, 206, slice(0, 10)),
        ({"If-None-Match": "THIS"}, 304, None),
        ({"If-Match": '"another"'}, 412, None),
    ],
)
def test_a_download_can_be_continued(
    route: str, engineer: Caller, clean: Upload, headers: dict[str, str], status: int, part: slice | None
) -> None:
    asked = {name: value.replace("THIS", f'"{clean.sha256}"') for name, value in headers.items()}
    answer = engineer.get(route.format(clean.id), headers=asked)
    assert answer.status_code == status
    if part is not None:
        assert answer.data == BUNDLE[part]


def test_every_download_leaves_one_trace(
    route: str, engineer: Caller, customer: Caller, stranger: Caller, clean: Upload, system: System
) -> None:
    """T13."""
    for who in (engineer, customer, stranger):
        who.get(route.format(clean.id))
    engineer.get(route.format(clean.id), headers={"Range": "bytes=0-9"})
    traces = [(deed.actor_label, deed.upload_id, deed.detail) for deed in deeds(system, "upload.downloaded")]
    assert traces == [
        (engineer.account.email, clean.id, {}),
        (customer.account.email, clean.id, {}),
        (engineer.account.email, clean.id, {"range": "bytes=0-9"}),
    ]
    assert all(deed.request_id and deed.address for deed in deeds(system, "upload.downloaded"))


def _overwrite(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[::-1])


def _replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("tamper", [_overwrite, _replace, Path.unlink])
def test_bytes_changed_since_the_scan_are_not_sent(
    route: str, engineer: Caller, clean: Upload, system: System, settings: Settings, tamper: object
) -> None:
    """T26, I4: not even by the same bytes in another file."""
    assert callable(tamper)
    tamper(settings.storage_root / "sealed" / clean.storage_key)
    answer = engineer.get(route.format(clean.id))
    assert answer.status_code == 409
    assert not [piece for piece in fragments(BUNDLE) if piece in answer.data]
    assert deeds(system, "upload.downloaded") == []
