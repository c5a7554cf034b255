"""Renew what the Dockerfiles pin: images by digest, files fetched from the network by checksum.

Usage: renew_pins.py [DOCKERFILE...]      (all of them, unless told)

For each `name:tag@sha256:...` asks the registry, through `docker buildx imagetools`, which digest the tag has
now; for each `ARG ..._SHA256=` whose file an ADD fetches, fetches it. Rewrites the files, and prints what
changed, a line each, for the pull request. Exit status 1 where something cannot be asked: then nothing is
written.
"""

import hashlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("Dockerfile", "docker/*/Dockerfile", "docker-compose.yml")
_IMAGE = re.compile(r"(?P<name>[a-z0-9][a-z0-9./_-]*:[A-Za-z0-9._-]+)@sha256:(?P<digest>[0-9a-f]{64})")
_CHECKSUM = re.compile(r"^ARG (?P<arg>[A-Z_]+_SHA256)=(?P<digest>[0-9a-f]{64})$", re.MULTILINE)


def digest_of_image(name: str) -> str:
    """Return the digest of the tag's index; raises CalledProcessError or ValueError."""
    command = ["docker", "buildx", "imagetools", "inspect", name, "--format", "{{.Manifest.Digest}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


def digest_of_file(url: str) -> str:
    """Return the SHA-256 of what ``url`` gives; raises OSError."""
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310  # checked by its caller
        return "sha256:" + hashlib.sha256(response.read()).hexdigest()


def renewed(text: str, image: Callable[[str], str], file: Callable[[str], str]) -> tuple[str, list[str]]:
    """Return ``text`` with today's pins, and what changed; raises ValueError for what is no digest."""
    said = []

    def pin(what: str, old: str, new: str) -> str:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", new):
            raise ValueError(f"{what} has no digest: {new!r}")
        if new != f"sha256:{old}":
            said.append(f"{what}: {old[:12]} -> {new[7:19]}")
        return new.removeprefix("sha256:")

    def renew_image(found: re.Match[str]) -> str:
        return f"{found['name']}@sha256:{pin(found['name'], found['digest'], image(found['name']))}"

    def renew_checksum(found: re.Match[str]) -> str:
        add = rf"ADD --checksum=sha256:\$\{{{found['arg']}\}}[^\n]*(?:\\\n)?\s*(https://\S+)"
        source = re.search(add, text)
        if not source:
            raise ValueError(f"no ADD uses {found['arg']}")
        return f"ARG {found['arg']}={pin(source[1], found['digest'], file(source[1]))}"

    return _CHECKSUM.sub(renew_checksum, _IMAGE.sub(renew_image, text)), said


def main(arguments: list[str]) -> int:
    files = [Path(name) for name in arguments] or sorted(found for name in FILES for found in ROOT.glob(name))
    new: dict[Path, str] = {}
    try:
        for path in files:
            new[path], said = renewed(path.read_text(), digest_of_image, digest_of_file)
            for line in said:
                print(f"- {line}")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"nothing is renewed: {error}", file=sys.stderr)
        return 1
    for path, text in new.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
