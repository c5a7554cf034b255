"""How people hear of things, and when: across time zones, and where the clock is set forward or back."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import BEFORE_VERDICT, MANDATORY, Event
from app.domain.policy import STAFF, Role
from app.domain.subscriptions import (
    Follow,
    Way,
    Wishes,
    after_quiet,
    default_way,
    digest_before,
    next_digest,
    offered,
    way_for,
)

#: The clock there jumps by an hour, by half an hour, over midnight, or never.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Asia/Kolkata",
    "UTC",
)
#: Shortly around these it does.
JUMPS = {
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    "America/Nuuk": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
}
DAY = timedelta(days=1)

zones = st.sampled_from(ZONES)
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Give a moment of 2026; half of them within two days of where the clock jumps."""
    if zone in JUMPS and draw(st.booleans()):
        return draw(st.sampled_from(JUMPS[zone])) + timedelta(minutes=draw(st.integers(-2880, 2880)))
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 365 * 1440)))


@st.composite
def places(draw: st.DrawFn) -> tuple[str, datetime]:
    zone = draw(zones)
    return zone, draw(moments(zone))


def wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def is_quiet(at: time, begin: time, end: time) -> bool:
    """Walk from the beginning, minute by minute: what comes before the end is quiet."""
    minutes = (at.hour - begin.hour) * 60 + at.minute - begin.minute
    length = (end.hour - begin.hour) * 60 + end.minute - begin.minute
    return minutes % 1440 < length % 1440


def exists(day: datetime, at: time, zone: str) -> bool:
    """Whether the clock on the wall ever shows it on that day."""
    meant = datetime.combine(day, at, ZoneInfo(zone))
    return wall(meant.astimezone(UTC), zone).time() == at


def test_the_jumps_are_where_this_says() -> None:
    minute = timedelta(minutes=1)
    for zone, moments_ in JUMPS.items():
        for jump in moments_:
            assert wall(jump, zone) - wall(jump - minute, zone) != minute, (zone, jump)


@given(places(), times, times)
def test_nothing_is_mailed_in_quiet_hours(place: tuple[str, datetime], begin: time, end: time) -> None:
    zone, now = place
    moment = after_quiet(now, zone, (begin, end))
    assert moment >= now
    assert not is_quiet(wall(moment, zone).time(), begin, end)
    quiet_now = is_quiet(wall(now, zone).time(), begin, end)
    assert (moment == now) is not quiet_now
    # A day of 25 hours at most; two where there is no minute between the jump and the next quiet time.
    assert moment - now <= 2 * DAY


@given(places(), times, times)
def test_it_is_mailed_as_soon_as_they_end(place: tuple[str, datetime], begin: time, end: time) -> None:
    """By the clock, where it does not jump over the end."""
    zone, now = place
    moment = after_quiet(now, zone, (begin, end))
    if moment > now and exists(wall(moment, zone), end, zone):
        assert wall(moment, zone).time() == end
        assert moment - now <= timedelta(hours=25)


@given(places(), times)
def test_without_quiet_hours_it_is_mailed_at_once(place: tuple[str, datetime], at: time) -> None:
    zone, now = place
    assert after_quiet(now, zone, None) == after_quiet(now, zone, (at, at)) == now


@given(places(), times)
def test_a_digest_comes_once_a_day(place: tuple[str, datetime], at: time) -> None:
    """Each next one on the next day of the calendar, whatever the clock does in between."""
    zone, now = place
    days = [now]
    for _ in range(5):
        days.append(next_digest(days[-1], zone, at))
    for before, after in pairwise(days):
        assert timedelta(0) < after - before <= timedelta(hours=25)
    for before, after in pairwise(days[1:]):
        assert wall(after, zone).date() - wall(before, zone).date() == DAY
    for each in days[1:]:
        assert wall(each, zone).time() == at or not exists(wall(each, zone), at, zone)


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        # Forward: 02:30 is not there, and the mail comes as long after the jump as it lies within it.
        ("Europe/Berlin", "2026-03-29T00:10:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("America/New_York", "2026-03-08T00:10:00-05:00", "2026-03-08T03:30:00-04:00"),
        # Back: 02:30 comes twice, and the later one counts.
        ("Europe/Berlin", "2026-10-25T00:10:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("Europe/Berlin", "2026-10-25T02:40:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("Australia/Lord_Howe", "2026-04-05T00:10:00+11:00", "2026-04-05T02:30:00+10:30"),
        ("Asia/Kolkata", "2026-03-29T00:10:00+05:30", "2026-03-29T02:30:00+05:30"),
    ],
)
def test_where_the_clock_jumps(zone: str, now: str, then: str) -> None:
    moment, half_past_two = datetime.fromisoformat(now), time(2, 30)
    assert next_digest(moment, zone, half_past_two) == datetime.fromisoformat(then)
    if wall(moment, zone).time() < half_past_two:
        assert after_quiet(moment, zone, (time(22), half_past_two)) == datetime.fromisoformat(then)


def test_where_it_jumps_over_all_that_is_not_quiet_they_go_on_for_a_day() -> None:
    moment = after_quiet(datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Berlin", (time(3), time(2, 30)))
    assert moment == datetime.fromisoformat("2026-03-30T02:30:00+02:00")


wishes = st.builds(
    Wishes,
    role=st.sampled_from(Role),
    general=st.none() | st.sampled_from(Way),
    organisation=st.none() | st.sampled_from(Way),
    case=st.none() | st.sampled_from(Way),
    follow=st.none() | st.sampled_from(Follow),
)


@given(st.sampled_from(Event), wishes)
def test_what_somebody_wishes_holds_but_for_what_is_mandatory(event: Event, wished: Wishes) -> None:
    way = way_for(event, wished)
    if event in MANDATORY:
        assert way is Way.NOW
        return
    assert way in offered(event)
    if wished.follow is Follow.MUTE:
        assert way is Way.OFF
    elif event in BEFORE_VERDICT:
        assert way in {Way.PORTAL, Way.OFF}
    elif wished.case:
        assert way is wished.case
    elif wished.follow is Follow.WATCH:
        assert way is Way.NOW
    else:
        assert way is (wished.organisation or wished.general or default_way(wished.role, event))


@given(places(), times, st.integers(0, 72 * 60))
def test_what_ends_soon_does_not_wait_for_a_daily_mail_after_it(
    place: tuple[str, datetime], at: time, minutes: int
) -> None:
    zone, now = place
    end = now + timedelta(minutes=minutes)
    moment = digest_before(end, now, zone, at)
    if (usual := next_digest(now, zone, at)) < end:
        assert moment == usual
    else:
        assert now < moment <= now + timedelta(hours=1)
        assert (moment.minute, moment.second) == (0, 0)


@pytest.mark.parametrize("event", [Event.UPLOAD_DELETION_DUE, Event.UPLOAD_DELETED])
def test_of_what_ends_customers_get_one_mail_a_day(event: Event) -> None:
    assert default_way(Role.CUSTOMER, event) is Way.DIGEST


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("event", Event)
def test_what_nobody_chose_is_told_in_a_way_that_is_offered(event: Event, role: Role) -> None:
    """Staff are mailed less than customers, and nobody is told nothing."""
    way = default_way(role, event)
    if event in BEFORE_VERDICT and role in STAFF:
        assert way in offered(event)
    assert way is not Way.OFF
