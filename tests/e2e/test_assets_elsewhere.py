"""Pages whose static files lie on another host, by release, as terraform/cloudfront.tf serves them."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from app.cli.dev import ROOT
from app.cli.dev.services import Services
from tests.e2e.browser import People
from tests.e2e.sources import noisy_tgz, pack
from tests.e2e.walk import send
from tests.live import Live, clone_database

RELEASE = "0123abc"
# Names that a browser takes for this machine and, unlike numbers, for one site.
PORTAL, ASSETS = "upload.portal.localhost", "assets.upload.portal.localhost"


class _Files(SimpleHTTPRequestHandler):
    """Answers as CloudFront does; `allowed` is the origin whose modules may be loaded from here."""

    allowed = ""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", self.allowed)
        self.send_header("Cross-Origin-Resource-Policy", "same-site")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[str]:
    """Serve static/ under the release's name; give its address."""
    place = tmp_path / "assets"
    place.mkdir()
    (place / RELEASE).symlink_to(ROOT / "static")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(place))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ASSETS}:{server.server_port}/{RELEASE}"
        server.shutdown()


@pytest.fixture
def portal(files: str, services: Services, template: str, tmp_path: Path) -> Iterator[Live]:
    database = clone_database(services, template, "assets")
    live = Live(services, database, tmp_path / "portal", {"DIAGPORT_ASSETS_URL": files}, redis_db=11)
    _Files.allowed = f"http://{PORTAL}:{live.application.port}"
    live.application.environment["DIAGPORT_BASE_URL"] = _Files.allowed
    with live:
        yield live


def test_everything_works_with_files_from_elsewhere(
    chromium: Browser, portal: Live, files: str, tmp_path: Path
) -> None:
    """T17: modules, styles and pictures come from there alone, and nothing breaks the policy."""
    people = People(chromium, portal)
    page = people.anybody(base_url=_Files.allowed)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto("/sign-in")
    people.fill_in(page, "acme")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)
    row = send(page, pack(tmp_path, noisy_tgz(1024, seed=3), "elsewhere.tgz"))
    expect(row).to_have_attribute("data-phase", "settled", timeout=90_000)
    for name in ("css/diagport.css", "js/app.js", "js/format.js", "js/tus_way.js", "img/logo.svg"):
        assert f"{files}/{name}" in loaded
    assert not [url for url in loaded if urlsplit(url).path.startswith("/static/")]
    assert page.evaluate("getComputedStyle(document.querySelector('.brand__mark')).width") == "30px"
    problems = people.problems()
    people.close()
    assert not problems, "the browser complained:\n" + "\n".join(problems)
