"""Lists of people: what spreadsheets make of them, and what is wrong in which line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import people_csv
from app.domain.errors import InvalidInputError
from app.domain.policy import Role

HEAD = "mail,name,role,organisation,manager\n"
local = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=20)
emails = st.builds("{}@{}.example".format, local, st.text("abcdef", min_size=1, max_size=8))
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=40
).filter(lambda name: name == " ".join(name.split()))
people = st.lists(
    st.tuples(emails, names, st.booleans()), min_size=1, max_size=20, unique_by=lambda one: one[0].lower()
)


def sheet(rows: list[tuple[str, ...]], separator: str, *, quoted: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows(rows)
    return text.getvalue()


@given(
    people,
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.booleans(),
)
def test_what_a_spreadsheet_saves_is_read_as_it_is(
    people: list[tuple[str, str, bool]], separator: str, encoding: str, quoted: bool
) -> None:
    rows = [(mail, name, "customer", "acme", "yes" if manager else "no") for mail, name, manager in people]
    data = sheet([people_csv.COLUMNS, *rows], separator, quoted=quoted).encode(encoding)
    found = people_csv.read(people_csv.decode(data))
    assert [(row.email, row.name, row.manager) for row in found] == people
    assert [row.wrong for row in found] == [()] * len(people)
    assert {(row.role, row.organisation) for row in found} == {(Role.CUSTOMER, "acme")}


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_list_or_a_sentence(data: bytes) -> None:
    try:
        rows = people_csv.read(people_csv.decode(data))
    except InvalidInputError:
        return
    assert rows
    for row in rows:
        assert row.wrong or row.email.count("@") == 1
        assert not set(row.email + row.name) & set("\r\n\x00") or row.wrong


@given(st.text("mail,;\n\"'@ab\tx", max_size=80))
def test_what_is_shown_is_what_is_confirmed(text: str) -> None:
    """What was read is written and read again: the same people, with the same complaints."""
    try:
        rows = people_csv.read(text)
    except InvalidInputError:
        return
    again = people_csv.read(people_csv.write(rows))
    shown = [(row.email, row.name, row.role, row.organisation, row.manager) for row in rows]
    assert [(row.email, row.name, row.role, row.organisation, row.manager) for row in again] == shown
    excess = "More columns than there should be."
    for one, other in zip(rows, again, strict=True):
        assert bool(set(one.wrong) - {excess}) == bool(other.wrong)


def test_windows_letters_are_guessed() -> None:
    data = (HEAD + "a@b.example,Jos\u00e9 \u201cPepe\u201d M\u00fcller,,acme,").encode("cp1252")
    assert people_csv.read(people_csv.decode(data))[0].name == "Jos\u00e9 \u201cPepe\u201d M\u00fcller"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nobody,Nobody,customer,acme,", "This is not a mail address."),
        (",Nobody,customer,acme,", "The mail address is missing."),
        ("a@b.example,A,boss,acme,", "There is no role boss."),
        ("a@b.example,A,customer,,", "A customer belongs to an organisation."),
        ("a@b.example,A,engineer,acme,", "Engineers and admins belong to no organisation."),
        ("a@b.example,A,engineer,,yes", "Only customers manage"),
        ("a@b.example,A,customer,acme,perhaps", "Manager is yes or no."),
        ("a@b.example,A,customer,acme,no,more", "More columns"),
        ("a@b.example," + "A" * 201 + ",customer,acme,", "A name has at most 200"),
    ],
)
def test_a_line_says_what_is_wrong_with_it(line: str, complaint: str) -> None:
    rows = people_csv.read(HEAD + "good@b.example,Good,customer,acme,\n" + line)
    assert rows[0].wrong == ()
    assert rows[1].line == 3
    assert any(said.startswith(complaint) for said in rows[1].wrong), rows[1].wrong


def test_who_stands_there_twice_is_told_where() -> None:
    rows = people_csv.read('a@b.example,"On two\nlines",,acme\nc@b.example,C,,acme\nA@B.example,A,,acme')
    assert [row.line for row in rows] == [1, 3, 4]
    assert rows[0].name == "On two lines"
    assert [row.wrong for row in rows] == [(), (), ("Line 1 has this address too.",)]


def test_columns_may_stand_in_another_order() -> None:
    [row] = people_csv.read("Organisation;E-Mail\nacme;a@b.example\n")
    assert (row.email, row.name, row.organisation, row.wrong) == ("a@b.example", "a", "acme", ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is nobody"),
        (HEAD, "There is nobody"),
        ("name,role\nA,customer", "The first line must name"),
        ("mail,mail\na@b.example,x", "The first line must name"),
        ("mail,phone\na@b.example,1", "There is no column phone"),
        (HEAD + '"a@b.example,A', "Line 2 cannot be read"),
        ("\n".join(f"a{number}@b.example,A,,acme" for number in range(1001)), "The list has 1,001 people"),
        ("x" * 300_000, "The list is too large"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        people_csv.read(text)
    assert refused.value.message.startswith(sentence)
