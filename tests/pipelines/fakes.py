"""Programs that pipelines call: each notes what it was told, and answers as planned."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from app.cli.dev import ROOT

_FAKE = """#!{python} -IS
import json, sys
told = [{name!r}, *sys.argv[1:]]
if "--password-stdin" in told:
    sys.stdin.read()  # or whoever writes it may find nobody listening
with open({directory!r} + "/calls.jsonl", "a") as calls:
    calls.write(json.dumps(told) + "\\n")
with open({directory!r} + "/answers.json") as file:
    answers = json.load(file)
for words, status, output, errors in answers:
    if words in " ".join(told):
        sys.stdout.write(output)
        sys.stderr.write(errors)
        sys.exit(status)
"""


@dataclass
class Programs:
    """A directory for PATH; the first answer whose words stand in the call is given, or silence."""

    directory: Path
    answers: list[tuple[str, int, str, str]] = field(default_factory=list)

    def add(self, *names: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            program = self.directory / name
            program.write_text(_FAKE.format(python=sys.executable, directory=str(self.directory), name=name))
            program.chmod(0o755)
        self.save()

    def answer(self, words: str, output: str = "", *, status: int = 0, errors: str = "") -> None:
        """Answers given later come first."""
        self.answers.insert(0, (words, status, output, errors))
        self.save()

    def save(self) -> None:
        (self.directory / "answers.json").write_text(json.dumps(self.answers))

    def calls(self, words: str = "") -> list[str]:
        """Return the calls that contain ``words``, as they would be typed."""
        log = self.directory / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [call for line in lines if words in (call := " ".join(json.loads(line)))]

    def run(
        self, script: str, *arguments: str, cwd: Path = ROOT, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of scripts/ with these programs in front of all others."""
        path = f"{self.directory}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", str(cwd / "scripts" / script), *arguments],
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
