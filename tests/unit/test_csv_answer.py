"""T19: in a file for a spreadsheet nothing is a formula, whatever separator the spreadsheet takes."""

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from app.web.csv_answer import cell, csv_answer

DANGEROUS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
NOTHING_TO_SEE = ' "\u00a0\u3000\u00ad\u200b\u2060\ufeff\v\f\x85'
odd = st.text("=+-@'\";,\t\r\n 1aA\uff1d\u2212\u3000\ufeff", max_size=12) | st.text(max_size=20)
rows = st.lists(st.lists(odd, min_size=2, max_size=2), min_size=1, max_size=3)


def written(*rows: list[str]) -> str:
    app = Flask(__name__)
    with app.test_request_context():
        return csv_answer("list.csv", ["a", "b"], rows).get_data(as_text=True)


def read(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@given(rows)
@example([["a;=1+1;b", "x"]])
@example([["x", "a\n=1+1"]])
@example([["x", 'a;"=1+1"']])
@example([["x", "\t=1"]])
def test_no_spreadsheet_finds_a_formula(rows: list[list[str]]) -> None:
    text = written(*rows)
    for separator in (",", ";", "\t"):
        for field in (field for row in read(text, separator) for field in row):
            if separator == ",":
                assert not field.startswith(("\t", "\r")), field
            assert not field.strip().lstrip(NOTHING_TO_SEE).startswith(tuple(DANGEROUS)), (separator, field)


@given(rows)
def test_what_was_written_is_read_again_but_for_the_marks(rows: list[list[str]]) -> None:
    found = read(written(*rows), ",")
    assert found[0] == ["a", "b"]
    assert found[1:] == [[cell(value) for value in row] for row in rows]
    for row in rows:
        for value in row:
            assert cell(value).replace("'", "") == value.replace("'", "")


@pytest.mark.parametrize(
    "payload",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "  =1+1",
        "\u00a0=1",
        "\u3000\uff1d1",
        "\uff0b1",
        "\uff20A",
        "\ufeff=1",
        "\u200b-1",
        '"=1"',
    ],
)
def test_a_formula_becomes_text(payload: str) -> None:
    assert cell(payload) == "'" + payload


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a-b", "a-b"),
        ("a, =b", "a, =b"),
        ("{{7*7}}", "{{7*7}}"),
        (-5, "-5"),
        (True, "yes"),
        (None, ""),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    ],
)
def test_what_is_none_stays(value: object, text: str) -> None:
    assert cell(value) == text
