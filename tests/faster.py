"""What would be done anew for every test, and need not be: every test makes an app of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from app.cli.dev.process import Process
from app.services import passwords
from app.web.auth import slowing
from tests.nursery import Nursery


class CompiledOnce(BytecodeCache):
    """Byte code in memory. Jinja itself looks whether it still fits the template's source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._kept.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledOnce()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Let argon2id work with the smallest parameters, and nobody wait for failing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(slowing, "sleep", lambda _seconds: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def rules_compiled_once() -> Iterator[None]:
    """Compile what builds an address from a rule once for each rule, not for each test's application."""
    compiled: dict[tuple[object, ...], Any] = {}
    compile_builder = Rule._compile_builder

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.endpoint, append_unknown, str(rule.defaults))
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def forked_processes() -> Iterator[None]:
    """Fork the portal's own processes from one that has loaded them, but where something is preloaded."""
    nursery, spawn = Nursery(), Process._spawn

    def fork(process: Process, log: BinaryIO) -> Any:
        interpreter, *argv = map(str, process.argv)
        environment = {**os.environ, **process.environment}
        ours = argv[:1] == ["worker.py"] or argv[:2] == ["-m", "gunicorn"]
        if interpreter != sys.executable or not ours or "LD_PRELOAD" in environment or process.account:
            return spawn(process, log)
        return nursery.fork(argv, environment, process.directory or Path.cwd(), process.log)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "_spawn", fork)
        yield
    nursery.close()
