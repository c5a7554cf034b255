"""A real provider in a process of its own (provider.mjs)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from app.cli.dev import ROOT
from app.cli.dev.ports import free_port, listens
from app.cli.dev.process import Process

CLIENT_ID: Final = "diagport"
CLIENT_SECRET: Final = "a secret: with + and % and /"


@contextmanager
def real_provider(directory: Path, redirect_uri: str) -> Iterator[str]:
    """Run the provider, which knows the portal at ``redirect_uri``; give its issuer."""
    port = free_port()
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    directory.mkdir(parents=True, exist_ok=True)
    clients = directory / "clients.json"
    clients.write_text(json.dumps([client]))
    program = ROOT / "tests/oidc/provider.mjs"
    process = Process(
        "provider",
        ["node", program, str(port), clients],
        directory / "provider.log",
        ready=lambda: listens(port),
        directory=ROOT,
    )
    try:
        process.start()
        process.wait_ready()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()


def agree(page: Page, login: str, *, known: bool = False) -> None:
    """Sign in to the provider as ``login``, and agree that it tells the portal unless that is ``known``."""
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    if not known:
        page.get_by_role("button", name="Continue").click()
