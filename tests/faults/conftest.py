"""Faults happen to services of their own: nobody else's tests notice."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from app.cli.dev import ROOT
from app.cli.dev.postgres import LOGIN
from app.cli.dev.services import Services
from tests.factories.bundles import make_tgz
from tests.faults.lab import Lab
from tests.faults.meddler import Meddler
from tests.live import Live


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Give services that tests kill. They start again what they stopped; `lab` sees to it."""
    with Services(tmp_path_factory.mktemp("mortal"), fast=True) as running:
        yield running


@pytest.fixture(scope="session")
def template(services: Services) -> str:
    """Name a database at the migrations' head, to be cloned."""
    name = "diagport_faults"
    with psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = services.database_url.replace("/diagport?", f"/{name}?")
    config.attributes["login"] = LOGIN
    command.upgrade(config, "head")
    return name


@pytest.fixture
def make_lab(make_live: Callable[..., Live], services: Services) -> Iterator[Callable[..., Lab]]:
    """Give a way to start a product that may be hurt; keyword arguments are its settings."""
    labs: list[Lab] = []

    def make(**settings: str) -> Lab:
        labs.append(Lab(make_live(**settings)))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()
    for service in services:
        service.start()
        service.wait_ready()


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """Give a product whose checkpoints and leases are short, so that tests are."""
    return make_lab(DIAGPORT_CHECKPOINT_BYTES=str(256 * 1024), DIAGPORT_SCAN_LEASE="3")


@pytest.fixture
def meddler(services: Services) -> Iterator[Meddler]:
    """Give somebody in the pipe to clamd; a product listens to its ``address``."""
    meddler = Meddler(str(services.clamd_socket))
    yield meddler
    meddler.close()


@cache
def _bundle(size: int, seed: int) -> bytes:
    return make_tgz({"var/log/noise": Random(seed).randbytes(size), "canary": os.urandom(32)})


@pytest.fixture(scope="session")
def bundle() -> Callable[..., bytes]:
    """Give bundles of about ``size`` bytes that nothing compresses; other seeds are other bundles."""

    def make(size: int = 20_000, seed: int = 0) -> bytes:
        return _bundle(size, seed)

    return make
