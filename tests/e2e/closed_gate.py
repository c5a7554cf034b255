"""Take the pictures of a closed gate, on a product of its own: its clamd passes what it cannot look into.

python -m tests.e2e.closed_gate docs/screenshots
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from playwright.sync_api import expect, sync_playwright

from app.cli.dev import ROOT
from app.cli.dev.postgres import LOGIN
from app.cli.dev.services import Services
from tests.e2e.browser import CHROMIUM, FLAGS
from tests.e2e.screenshots import LOOKS, Portal
from tests.factories.engines import OwnClamd
from tests.live import Live, clone_database


@contextmanager
def closed(directory: Path) -> Iterator[Live]:
    """Run a product whose gate stays closed."""
    with Services(directory / "services", fast=True) as services:
        with psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.attributes["url"] = services.database_url.replace("/diagport?", "/template?")
        config.attributes["login"] = LOGIN
        command.upgrade(config, "head")
        clamd = OwnClamd(directory / "clamd")
        clamd.start(AlertExceedsMax=None)
        settings = {"DIAGPORT_CLAMD_ADDRESS": clamd.address, "DIAGPORT_PROBE_PADDING_BYTES": "200000000"}
        try:
            with Live(
                services, clone_database(services, "template", "closed"), directory / "live", settings
            ) as live:
                yield live
        finally:
            clamd.process.stop()


def main(into: str) -> None:
    """Take them, on a desk in light and on a phone in dark."""
    with (
        tempfile.TemporaryDirectory() as directory,
        closed(Path(directory)) as live,
        sync_playwright() as playwright,
    ):
        Path(directory).chmod(0o711)  # clamd runs as somebody else
        portal = Portal(live.url, live.accounts)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for suffix, options in LOOKS:
            for who, name in (("admin", "gate-closed"), ("acme", "gate-closed-customer")):
                with portal.open(browser, who, **options) as page:
                    expect(page.get_by_text("The virus check is paused.")).to_be_visible()
                    page.screenshot(path=Path(into) / f"{name}{suffix}.png", full_page=who == "admin")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
