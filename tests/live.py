"""The whole product in its own processes, as a test's client sees it."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
import requests

from app.cli.dev.application import Application
from app.cli.dev.demo import install_demo
from app.cli.dev.postgres import portal_url
from app.cli.dev.services import Services
from app.db import Database
from app.domain.policy import SYSTEM
from app.uow import unit_of_work
from tests.fakes import FakeQueue

T = TypeVar("T")

BUNDLES = Path(__file__).resolve().parents[2] / "shared" / "bundles"


def clone_database(services: Services, template: str, name: str) -> str:
    """Copy the migrated database; return the URL of the copy."""
    with psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}'.encode())
    return services.database_url.replace("/diagport?", f"/{name}?")


def eventually(look: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """Return the first true thing that ``look`` returns; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return seen


class Live:
    """Web, workers and scheduler on given services, with the demo accounts.

    ``accounts`` maps "acme", "globex", "engineer" and "admin" to their entries of demo.json.
    """

    def __init__(
        self,
        services: Services,
        database_url: str,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        redis_db: int = 0,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.services = services
        self.database_url = database_url
        self.application = Application(
            services,
            directory,
            settings={
                "DIAGPORT_DATABASE_URL": portal_url(database_url),
                "DIAGPORT_REDIS_URL": f"{services.redis_url}?db={redis_db}",
                "DIAGPORT_PROBE_PADDING_BYTES": str(2 * 10**6),  # what 200 MB show is shown once
                "DIAGPORT_WEB_PROCESSES": "2",  # there are more tests at once than cores
                **(settings or {}),
            },
        )
        self.url = self.application.url
        self._demo = directory / "demo.json"
        self.accounts: dict[str, dict[str, str]] = {}

    def start(self) -> None:
        self._make_accounts()
        self.application.start()
        for entry in json.loads(self._demo.read_text())["accounts"]:
            self.accounts[entry.get("organisation", entry["role"])] = entry

    def _make_accounts(self) -> None:
        """Do in this process what `make run` does in one of its own, which takes a second to load."""
        database = Database.connect(portal_url(self.database_url))
        work = partial(unit_of_work, database, FakeQueue(), self.application.settings(), SYSTEM)
        install_demo(self._demo, self.url, self.services.mail_url, work)
        database.engine.dispose()

    def stop(self) -> None:
        self.application.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def token(self, who: str) -> dict[str, str]:
        """Return the header that says who asks."""
        return {"Authorization": f"Bearer {self.accounts[who]['token']}"}

    def request(self, method: str, path: str, who: str | None = None, **more: Any) -> requests.Response:
        headers = {**(self.token(who) if who else {}), **more.pop("headers", {})}
        return requests.request(
            method, self.url + path, headers=headers, timeout=60, allow_redirects=False, **more
        )

    def get(self, path: str, who: str | None = None, **more: Any) -> requests.Response:
        return self.request("GET", path, who, **more)

    def put(
        self, data: bytes, filename: str = "bundle.tgz", who: str = "acme", **more: Any
    ) -> dict[str, Any]:
        """Send a bundle in one request; return its JSON."""
        response = self.request("PUT", f"/upload/{filename}", who, data=data, **more)
        assert response.status_code == 201, response.text
        document: dict[str, Any] = response.json()
        return document

    def settled(self, upload_id: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait for the verdict; return the upload's JSON."""

        def look() -> dict[str, Any] | None:
            response = self.get(f"/api/v1/uploads/{upload_id}", "admin")
            return response.json() if response.status_code == 200 else None

        return eventually(look, f"verdict of {upload_id}", seconds)

    def mails(self, about: str) -> list[dict[str, str]]:
        """Return the mails whose text mentions ``about``."""
        caught: list[dict[str, str]] = requests.get(f"{self.services.mail_url}/messages", timeout=10).json()
        return [mail for mail in caught if about in mail["text"]]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement on the product's database; return its rows."""
        url = self.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []
