"""The scheduler's lines for CloudWatch: all that `/metrics` has, once a minute whoever asks. F24."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.domain.metrics import METRICS
from app.jobs.measuring import print_metrics
from app.models import Counter, StepRun
from app.services.steps import Run, end
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.unit.test_emf import check


@pytest.fixture
def printing(system: System) -> System:
    with system.work() as uow:
        end(uow, Run("a step", seconds=1.0, every=60.0))
    return replace(system, settings=system.settings.model_copy(update={"emf": True, "deployment": "eu-1"}))


def test_every_metric_is_printed_once_a_minute(printing: System, capsys: pytest.CaptureFixture[str]) -> None:
    make_upload(printing, make_actor(printing), UploadState.CLEAN)
    print_metrics(printing)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for document in found:
        check(document)
        assert document["environment"] == "eu-1"
    names = {key for document in found for key in document if key.startswith("diagport_")}
    expected = {metric.name for metric in METRICS} - {"diagport_signatures_age_seconds"}  # they have no date
    assert {name.removesuffix("_sum").removesuffix("_count") for name in names} == expected

    print_metrics(printing)
    assert capsys.readouterr().out == "", "this minute's are printed"
    with printing.work() as uow:
        uow.session.execute(update(Counter).values(amount=Counter.amount - 1))
        uow.session.execute(update(StepRun).values(failures=3))
    print_metrics(printing)
    assert '"diagport_step_failures": 3.0' in capsys.readouterr().out


def test_nothing_is_printed_unasked(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    print_metrics(system)
    assert capsys.readouterr().out == ""
