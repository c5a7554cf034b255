"""Moving bundles, and looking where they are."""

from uuid import UUID

from click.testing import CliRunner, Result
from flask.cli import FlaskGroup

from app import create_app
from app.ports import Storage
from app.system import System
from tests.factories.bundles import make_tgz
from tests.integration.looking import fresh

TGZ = make_tgz({"etc/hostname": b"web-01\n"})


def run(system: System, *arguments: str) -> Result:
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return CliRunner().invoke(flask, ["storage", "move", *arguments], prog_name="flask")


def content_of(system: System, upload_id: UUID) -> bytes:
    """Return the bytes that the row leads to; they must be of the version that it names."""
    upload = fresh(system, upload_id)
    file, version = system.adapters.store(upload.storage_name).open(upload.storage_key)
    with file:
        assert version == upload.storage_version
        if upload.scan:
            assert version == upload.scan.storage_version
        return file.read()


def keys(storage: Storage) -> set[str]:
    return {key for key, _ in storage.stored()}
