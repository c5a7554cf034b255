"""What a ticket may allow, and what it is good for."""

from itertools import product

import pytest

from app.domain.errors import InvalidInputError
from app.domain.tickets import DEAD, MAX_BYTES, WHY, Terms, TicketState, clean_terms, state_of
from app.domain.ways_in import ticket_curl


def test_nobody_who_says_nothing_gets_more_than_a_week_and_ten_uploads() -> None:
    assert clean_terms(None, None, None, [], None) == Terms(days=7, uploads=10, size=None, networks=())


def test_terms_are_kept_as_asked_for() -> None:
    terms = clean_terms(90, 1000, 1, ["10.0.0.0/8"], " ann@example.com ")
    assert terms == Terms(90, 1000, 1, ("10.0.0.0/8",), "ann@example.com")
    assert clean_terms(1, 1, MAX_BYTES, [], " ").recipient is None


@pytest.mark.parametrize(
    "asked",
    [
        (0, 1, None, [], None),
        (91, 1, None, [], None),
        (-1, 1, None, [], None),
        (1, 0, None, [], None),
        (1, 1001, None, [], None),
        (1, 1, 0, [], None),
        (1, 1, MAX_BYTES + 1, [], None),
        (1, 1, None, ["everywhere"], None),
        (1, 1, None, [], "nobody"),
        (1, 1, None, [], "a@b\r\nBcc: c@d"),
    ],
)
def test_what_no_ticket_allows_is_refused(
    asked: tuple[int, int, int | None, list[str], str | None],
) -> None:
    with pytest.raises(InvalidInputError):
        clean_terms(*asked)


def test_the_worst_that_is_so_names_the_state() -> None:
    order = [state for state in TicketState if state is not TicketState.GOOD]
    for facts in product((False, True), repeat=5):
        revoked, closed, suspended, expired, used_up = facts
        state = state_of(
            revoked=revoked, closed=closed, suspended=suspended, expired=expired, used_up=used_up
        )
        assert state is next((one for one, so in zip(order, facts, strict=True) if so), TicketState.GOOD)
    assert set(WHY) == set(TicketState) - {TicketState.GOOD}
    assert set(WHY) >= DEAD


def test_no_case_breaks_out_of_the_line_to_paste() -> None:
    line = ticket_curl("https://portal.example", "CS 1 #2", "ABCD-EFGH", "a b.tgz")
    assert line == "curl -u 'CS 1 #2:ABCD-EFGH' -T 'a b.tgz' https://portal.example/upload/"
