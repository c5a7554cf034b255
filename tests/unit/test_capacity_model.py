"""The model behind docs/deploy/capacity.md keeps to what can be worked out by hand."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.capacity import LEAST_ACU, LEAST_WEB, LEAST_WORKERS, fewest
from bench.capacity_cost import GB_HOUR, HOURS, VCPU_HOUR, Use, monthly
from bench.capacity_model import DAY, Fleet, Load, simulate


@settings(max_examples=25, deadline=None)
@given(uploads=st.integers(1, 300), most=st.integers(1, 6), seed=st.integers(0, 99))
def test_everybody_is_served_and_no_work_is_free(uploads: int, most: int, seed: int) -> None:
    load = Load(uploads, spread=0.5)
    day = simulate(load, fleet := Fleet(20e6, most=most), seed)
    assert len(day.waits) == uploads
    assert min(day.waits) >= 0
    work = uploads * fleet.fixed + day.bytes_sent * load.expands / fleet.speed
    assert day.task_hours * 3600 >= work * 0.999
    assert day.most_tasks <= most


def test_the_same_seed_is_the_same_day() -> None:
    assert simulate(Load(100), Fleet(5e6), 7) == simulate(Load(100), Fleet(5e6), 7)


def test_who_comes_alone_does_not_wait() -> None:
    day = simulate(Load(1), Fleet(5e6))
    assert day.waits == [0]
    assert day.task_hours >= DAY / 3600


def test_more_tasks_wait_less() -> None:
    """On a day on which one task has more to do than it can."""
    few, many = (simulate(Load(3000), Fleet(7.5e6, least=most, most=most)) for most in (2, 6))
    assert sum(many.waits) < sum(few.waits) / 10


def test_a_task_more_than_the_backlog_asks_for_goes_away_again() -> None:
    busy = simulate(Load(2000), Fleet(7.5e6, least=1, most=8))
    assert busy.most_tasks > 1
    assert busy.task_hours < 8 * 24 / 2


def test_the_bill_of_one_worker_for_a_month() -> None:
    """1 vCPU and 6 GiB at list price: 49 dollars."""
    bill = monthly(Use(0, 0.0, task_hours=24 * HOURS / 730, web_tasks=0, acu=0))
    assert bill["workers"] == pytest.approx(24 * 30.4 * (VCPU_HOUR + 6 * GB_HOUR))
    assert bill["workers"] == pytest.approx(49, abs=1)
    assert bill["storage"] == 0
    assert bill["downloads"] == 0


def test_what_is_kept_three_times_as_long_costs_less_than_three_times_as_much() -> None:
    """Because old bundles move to cheaper classes."""
    short, long = (monthly(Use(0, 1e12, 0, 0, 0, kept_days=days))["storage"] for days in (30, 90))
    assert short < long < 3 * short
    assert short == pytest.approx(1000 * 30 * 0.023)


def test_no_fleet_is_less_than_what_production_runs() -> None:
    code = Path(__file__).resolve().parents[2] / "terraform" / "envs" / "prod.tfvars"
    text = code.read_text(encoding="utf-8")
    least = {
        what: float(number)
        for what, number in re.findall(r"^(\w+) += \{ min(?:_acu)? = ([0-9.]+),", text, re.MULTILINE)
    }
    assert least == {"web": LEAST_WEB, "worker": LEAST_WORKERS, "database": LEAST_ACU}
    fleet, day = fewest(Load(1), 7.5e6)
    assert (fleet.least, fleet.most) == (LEAST_WORKERS, LEAST_WORKERS)
    assert day.task_hours == pytest.approx(24 * LEAST_WORKERS, rel=0.01)
