"""What only the image itself can show; a stage of the Dockerfile runs it as the portal's user.

It needs neither network nor services, and prints what is wrong, one line each.
"""

import importlib.util
import os
import shutil
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USER = 10001
AUTHORITIES = "/etc/ssl/rds-ca.pem"
_LEAST_AUTHORITIES = 50  # AWS has some for each region
#: What would help somebody who got in, and nothing here needs.
UNWANTED = ("cc", "gcc", "make", "curl", "wget", "git", "npm", "node", "pip", "ssh")
#: A setting for each that has no default; nothing listens there.
SETTINGS = {
    "DIAGPORT_SECRET_KEY": "for this test alone, no 1234567890",
    "DIAGPORT_BASE_URL": "https://portal.invalid",
    "DIAGPORT_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "DIAGPORT_REDIS_URL": "redis://127.0.0.1:1",
    "DIAGPORT_CLAMD_ADDRESS": "tcp:127.0.0.1:1",
    "DIAGPORT_STORAGE_ROOT": "/srv/bundles",
}


def image() -> Iterator[str]:
    """Look at the user, the files and the programs."""
    if os.getuid() != USER or os.getgid() != USER:
        yield f"runs as {os.getuid()}:{os.getgid()}"
    yield from (f"has {name}" for name in UNWANTED if shutil.which(name))
    if ssl.create_default_context(cafile=AUTHORITIES).cert_store_stats()["x509_ca"] < _LEAST_AUTHORITIES:
        yield f"{AUTHORITIES} has too few authorities"
    for name in ("/tmp", "/scratch", "/srv/bundles"):  # noqa: S108
        if not os.access(name, os.W_OK):
            yield f"may not write to {name}"


def program() -> Iterator[str]:
    """Look whether the program is whole, compiled, and not to be changed."""
    for path in ROOT.rglob("*"):
        if os.access(path, os.W_OK) and not path.is_symlink():
            yield f"may change {path}"
        if (
            path.suffix == ".py"
            and path != Path(__file__)
            and not Path(importlib.util.cache_from_source(path)).exists()
        ):
            yield f"{path} is not compiled"
    yield from (
        f"{name} does not belong here" for name in ("tests", ".git", "terraform") if (ROOT / name).exists()
    )


def portal() -> Iterator[str]:
    """Start the portal without its services; ask for what needs none."""
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import worker  # noqa: F401  # that it can be is the test
    from app import create_app
    from app.web.admin import runbook

    app = create_app()
    client = app.test_client()
    for path in (
        "/healthz",
        "/static/vendor/tabler/tabler.min.css",
        "/static/vendor/tus/tus.min.js",
        "/diagport.py",
    ):
        status = client.get(path, base_url=os.environ["DIAGPORT_BASE_URL"]).status_code
        if status != 200:
            yield f"{path} answers {status}"
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    if not runbook.sections():
        yield "has no runbook"
    if len(ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml")).get_heads()) != 1:
        yield "has not one head of migrations"


def main() -> int:
    """Return 0 if nothing is wrong. The words after the command choose what to look at; all, without."""
    looks = {"image": image, "program": program, "portal": portal}
    wrong = [line for name in sys.argv[1:] or looks for line in looks[name]()]
    sys.stdout.write("".join(f"{line}\n" for line in wrong or ["The image is whole."]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
