"""What an apply waits for. That it fits into job and credentials: tests/pipelines/test_workflows.py."""

import re
from typing import Final

from app.settings import Settings
from tests.terraform import given

_TERRAFORM: Final = given.TERRAFORM


def _found(pattern: str, file: str) -> list[int]:
    text = (given.ROOT / file).read_text(encoding="utf-8")
    found = [int(number) for number in re.findall(pattern, text)]
    assert found, pattern
    return found


def _worker() -> int:
    """Return the minutes that a release waits for workers."""
    [minutes] = _found(r'update = "(\d+)m"', "terraform/ecs_worker.tf")
    return minutes


def test_nobody_else_waits_for_longer_than_workers_are_waited_for() -> None:
    """Web and scheduler go at the same time, by the provider's own twenty minutes."""
    own = {
        path.name
        for path in _TERRAFORM.glob("*.tf")
        if re.search(r"^  timeouts \{$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert own == {"ecs_worker.tf"}
    assert _worker() > 20


def test_a_scan_that_is_under_way_can_end_meanwhile() -> None:
    """ECS leaves a protected task alone; before it goes, new ones load signatures."""
    scanning = Settings.model_fields["bundle_seconds"].default // 60
    [stopping] = _found(r"stop_seconds +=\s+(\d+)", "terraform/locals.tf")
    assert _worker() >= scanning + 5 + stopping // 60


def test_a_release_that_ecs_takes_back_is_none_that_succeeded() -> None:
    """The provider waits until a service is steady: it is so with the old release, too."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in _TERRAFORM.glob("ecs_*.tf"))
    services = dict(
        re.findall(r'^resource "aws_ecs_service" "(\w+)" \{$(.*?)^\}$', text, re.MULTILINE | re.DOTALL)
    )
    assert set(services) == {"web", "worker", "scheduler"}
    for name, block in services.items():
        assert re.search(r"^  wait_for_steady_state +=  *true", block, re.MULTILINE), name
        [condition] = re.findall(r"postcondition \{\n +condition +=  *(.*)$", block, re.MULTILINE)
        assert condition == f"self.task_definition == aws_ecs_task_definition.{name}.arn"
