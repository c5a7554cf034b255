"""What must hold for the code as written."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.dev import ROOT
from app.domain.jobs import QUEUE_OF, JobName, QueueName
from app.jobs import JOBS
from tests.architecture.source import calls, files, text, tree
from tests.factories.eicar import eicar

MAX_LINES = 250
PYTHON = files(".py")
APP = [path for path in PYTHON if path.parts[0] in {"app", "worker.py", "wsgi.py"}]


@pytest.mark.parametrize("suffix", [".py", ".html", ".js", ".css", ".sh"])
def test_every_file_can_be_read_in_one_sitting(suffix: str) -> None:
    lengths = {str(path): len(text(path).splitlines()) for path in files(suffix)}
    assert lengths
    assert {path: count for path, count in lengths.items() if count > MAX_LINES} == {}


def test_there_is_one_commit_in_the_program() -> None:
    committing = [str(path) for path in APP for name, _ in calls(path) if name.endswith(".commit")]
    assert committing == ["app/db.py"]


def test_every_job_has_a_function_and_a_queue() -> None:
    assert set(JOBS) == set(QUEUE_OF) == set(JobName)
    assert set(QUEUE_OF.values()) == set(QueueName)


def test_nothing_is_run_or_unpacked_that_came_as_data() -> None:
    """C5, C6."""
    called = {"eval", "exec", "compile", "os.system", "os.popen", "render_template_string"}
    imported = {"pickle", "marshal", "shelve", "dill", "yaml", "tarfile", "zipfile"}
    found = {
        (str(path), name) for path in APP for name, _ in calls(path) if name.removeprefix("flask.") in called
    }
    found |= {(str(path), name) for path in APP for name in _imports(path) & imported}
    found |= {(str(path), "shell=True") for path in APP for _, call in calls(path) if _uses_shell(call)}
    assert found == set()


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def _uses_shell(call: ast.Call) -> bool:
    return any(word.arg == "shell" for word in call.keywords)


@pytest.mark.parametrize(
    ("what", "needle"),
    [
        ("EICAR in plain", eicar()),
        ("a package registry", b"registry" + b".npmjs"),
        ("a package registry", b"pypi" + b".org"),
        ("a package registry", b"python" + b"hosted"),
        ("a private key", b"BEGIN " + b"PRIVATE KEY"),
    ],
)
def test_no_file_holds(what: str, needle: bytes) -> None:
    """Scanners on the way would stop EICAR; which registry serves packages is each machine's own setting."""
    assert [str(path) for path in files() if needle in (ROOT / path).read_bytes()] == [], what


_IMPORT_EVERYTHING = """
import pkgutil, sys
import urllib3.util.connection  # boto3 comes with it, and it tries at import whether there is IPv6

seen = []
WATCHED = {"socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove", "sqlite3.connect"}

def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in WATCHED or writes:
        seen.append((event, repr(arguments)[:200]))

sys.addaudithook(hook)
import app, worker
for module in pkgutil.walk_packages(app.__path__, "app."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
print(len([name for name in sys.modules if name.startswith("app.")]), *seen, sep="\\n")
"""


def test_importing_the_program_opens_nothing() -> None:
    """No environment, no connection, no file, no process: modules define, never do."""
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _IMPORT_EVERYTHING],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    count, *seen = ran.stdout.splitlines()
    assert int(count) > 80
    assert seen == []
