"""The rule of how long bundles are kept is one, said twice: in Python, and in SQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.retention import RetentionSince, expires, warned_before
from app.models import Case, Organisation, Upload
from app.queries.retention import expiry
from app.system import System
from tests.factories.uploads import make_upload

_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_PERHAPS = st.none() | _MOMENTS
_SINCE = st.sampled_from(RetentionSince)
_DAYS = st.none() | st.integers(1, 36_500)
_ROWS = st.fixed_dictionaries(
    {"received": _MOMENTS, "downloaded": _PERHAPS, "closed": _PERHAPS, "kept_until": _PERHAPS}
)
_POLICIES = st.fixed_dictionaries({"days": _DAYS, "since": _SINCE, "of_case": _DAYS, "case_since": _SINCE})


def test_sql_says_what_the_rule_says(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN, case="CS-1")

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(row=_ROWS, policy=_POLICIES, in_case=st.booleans(), held=st.sampled_from(["", "case", "upload"]))
    def compare(row: dict[str, Any], policy: dict[str, Any], in_case: bool, held: str) -> None:
        days, since = policy["days"], policy["since"]
        if in_case and policy["of_case"] is not None:
            days, since = policy["of_case"], policy["case_since"]
        hold = {"held_at": row["received"], "held_by": "x", "hold_reason": "x"}
        none = dict.fromkeys(hold)
        with system.work() as uow:
            uow.session.execute(
                update(Organisation)
                .where(Organisation.id == upload.organisation_id)
                .values(retention_days=policy["days"], retention_since=policy["since"])
            )
            of_case = policy["of_case"]
            uow.session.execute(
                update(Case).values(
                    closed_at=row["closed"],
                    retention_days=of_case,
                    retention_since=policy["case_since"] if of_case is not None else None,
                    **(hold if held == "case" else none),
                )
            )
            uow.session.execute(
                update(Upload)
                .where(Upload.id == upload.id)
                .values(
                    sealed_at=row["received"],
                    last_downloaded_at=row["downloaded"],
                    kept_until=row["kept_until"],
                    case_reference="CS-1" if in_case else None,
                    **(hold if held == "upload" else none),
                )
            )
            said = uow.session.scalar(select(expiry()).where(Upload.id == upload.id))
            unheld = uow.session.scalar(select(expiry(unless_held=False)).where(Upload.id == upload.id))
        rule = expires(
            row["received"],
            row["downloaded"],
            row["closed"] if in_case else None,
            days,
            since,
            row["kept_until"],
            in_case=in_case,
        )
        is_held = held == "upload" or (held == "case" and in_case)
        assert unheld == rule
        assert said == (None if is_held else rule)

    compare()


def test_the_word_comes_a_week_or_half_of_the_time_before() -> None:
    assert warned_before(30) == timedelta(days=7)
    assert warned_before(14) == timedelta(days=7)
    assert warned_before(1) == timedelta(hours=12)
