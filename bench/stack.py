"""The product as it runs, on real services that keep their safety against power cuts."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from app.cli.dev import LOCAL
from app.cli.dev.application import Application
from app.cli.dev.services import Services


class Stack:
    """A running product with the demo accounts; everything lies below `directory`, on the disk."""

    def __init__(
        self,
        directory: Path,
        *,
        services: tuple[str, ...] = (),
        processes: tuple[str, ...] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Describe it.

        Args:
            directory: for data, logs and sockets.
            services: names of those that are needed; none: all.
            processes: the portal's own that shall run; none: all.
            settings: environment variables on top of those of `Application`.
        """
        self.services = Services(directory / "services", names=services)
        self.application = Application(self.services, directory, settings=settings)
        if processes:
            self.application.processes = {name: self.application[name] for name in processes}
        self.url = self.application.url
        self._demo = directory / "demo.json"
        self._accounts: dict[str, dict[str, str]] = {}

    def start(self) -> None:
        self.services.start()
        migrate = self.application.python("migrate", "-m", "alembic", "upgrade", "head")
        demo = self.application.python(
            "demo", "-m", "flask", "--app", "wsgi", "dev", "demo",
            "--file", self._demo, "--url", self.url, "--mail", self.services.mail_url,
        )  # fmt: skip
        for once in (migrate, demo):
            once.start()
            once.finish()
        for entry in json.loads(self._demo.read_text())["accounts"]:
            self._accounts[entry.get("organisation", entry["role"])] = entry
        self.application.start()

    def stop(self) -> None:
        self.application.stop()
        self.services.stop()

    def secret(self, who: str) -> str:
        """Return somebody's API token."""
        return self._accounts[who]["token"]

    def account(self, who: str) -> dict[str, str]:
        """Return somebody's entry of demo.json."""
        return self._accounts[who]

    def token(self, who: str) -> dict[str, str]:
        """Return the header that says who asks: acme, globex, engineer or admin."""
        return {"Authorization": f"Bearer {self.secret(who)}"}

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Open a connection of our own to the product's database."""
        return psycopg.connect(self.services.database_url.replace("+psycopg", ""), autocommit=True)


@contextmanager
def stack(
    *,
    services: tuple[str, ...] = (),
    processes: tuple[str, ...] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Give a running product; afterwards nothing is left of it. The arguments are `Stack`'s."""
    with scratch() as directory:
        product = Stack(directory, services=services, processes=processes, settings=settings)
        try:
            product.start()
            yield product
        finally:
            product.stop()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty directory on the disk the repository is on, or below ``DIAGPORT_BENCH_DIR``."""
    parent = Path(os.environ.get("DIAGPORT_BENCH_DIR", LOCAL / "bench"))
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent, prefix="run-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
