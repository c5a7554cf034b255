"""Which stores a process has, as its settings say."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import bootstrap
from app.cli.dev import ROOT
from app.domain.errors import DependencyError
from app.ports import Adapters
from app.settings import Settings

S3 = {"s3_bucket": "bundles", "s3_region": "eu-central-1", "s3_access_key": "a", "s3_secret_key": "hidden"}


def made(**values: Any) -> Adapters:
    return bootstrap.adapters(
        Settings(
            environment="development",
            secret_key="a key for tests that is long enough",
            base_url="http://localhost",
            database_url="postgresql+psycopg://nowhere",
            redis_url="redis://nowhere",
            clamd_address="unix:/nowhere",
            **values,
        )
    )


@pytest.mark.parametrize(
    ("storage", "root", "s3", "names"),
    [
        ("filesystem", True, {}, ["filesystem"]),
        ("filesystem", True, S3, ["filesystem", "s3"]),
        ("s3", False, S3, ["s3"]),
        ("s3", True, S3, ["s3", "filesystem"]),
    ],
)
def test_the_chosen_store_takes_what_is_new_and_the_other_is_read(
    tmp_path: Path, storage: str, root: bool, s3: dict[str, str], names: list[str]
) -> None:
    roots = {"storage_root": tmp_path} if root else {}

    adapters = made(storage=storage, **roots, **s3)

    assert adapters.storage.name == names[0]
    assert [store.name for store in adapters.stores] == names
    assert [adapters.store(name).name for name in names] == names
    with pytest.raises(DependencyError):
        adapters.store("elsewhere")


def test_the_secret_is_in_no_repr() -> None:
    assert "hidden" not in repr(vars(vars(made(storage="s3", **S3).storage)["at"]))


def test_who_keeps_bundles_in_files_loads_no_boto3() -> None:
    program = "import sys, app.bootstrap; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
