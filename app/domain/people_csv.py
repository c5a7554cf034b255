"""Lists of people as spreadsheets save them: which lines there are, and what is wrong with each.

Columns are mail, name, role, organisation, manager, in this order or as a first line names them.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.people import check_place, clean_name
from app.domain.policy import Role

MAX_ROWS: Final = 1000
MAX_BYTES: Final = 200_000

COLUMNS: Final = ("mail", "name", "role", "organisation", "manager")
_CALLED: Final = {
    "mail": "mail",
    "e-mail": "mail",
    "email": "mail",
    "mail address": "mail",
    "email address": "mail",
    "name": "name",
    "full name": "name",
    "role": "role",
    "organisation": "organisation",
    "organization": "organisation",
    "manager": "manager",
}
_ROLES: Final = {"": Role.CUSTOMER, "administrator": Role.ADMIN, "support engineer": Role.ENGINEER} | {
    role.value: role for role in Role
}
_YES: Final = frozenset({"yes", "y", "true", "1", "x"})
_NO: Final = frozenset({"", "no", "n", "false", "0"})


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the list. ``line`` of the file it begins at, from 1; ``wrong`` says what will not do.

    Where something is wrong, ``role`` and ``manager`` may be what nobody wrote; ``typed`` is what was.
    """

    line: int
    email: str
    name: str
    role: Role
    organisation: str  # slug, as typed; empty for staff
    manager: bool
    typed: tuple[str, ...]  # one for each of `COLUMNS`
    wrong: tuple[str, ...] = ()


def decode(data: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16, with or without its mark, or else in Windows-1252.

    Raises:
        InvalidInputError: too large, or no text.
    """
    if len(data) > MAX_BYTES * 2:
        raise InvalidInputError(f"The list is too large. It may have {MAX_ROWS:,} people at most.")
    for encoding in _guesses(data):
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    # Latin-1 has a letter for every byte, Windows-1252 for most: the others are no letters anyway.
    return data.decode("cp1252", errors="replace")


def read(text: str) -> list[Row]:
    """Return the people of a list, each with what is wrong with it by itself or beside the others.

    Raises:
        InvalidInputError: nobody, too many, or no list of this kind.
    """
    lines = _lines(text)
    if not lines:
        raise InvalidInputError("There is nobody in the list.")
    order, rest = _order(lines)
    if len(rest) > MAX_ROWS:
        raise InvalidInputError(f"The list has {len(rest):,} people. {MAX_ROWS:,} at a time is the most.")
    if not rest:
        raise InvalidInputError("There is nobody in the list below its first line.")
    return _without_twins([_row(line, cells, order) for line, cells in rest])


def write(rows: Sequence[Row]) -> str:
    """Return the list as `read` takes it: what was read is read again, the numbers of lines apart."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.typed for row in rows)
    return text.getvalue()


def _guesses(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if 0 in data[:200]:  # no text has a NUL; every other byte of Latin letters in UTF-16 is one
        even, odd = data[:200:2].count(0), data[1:200:2].count(0)
        return ("utf-16-be",) if even > odd else ("utf-16-le",)
    return ("utf-8",)


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line that has any, with the number that its first line has in the file."""
    if len(text) > MAX_BYTES:
        raise InvalidInputError(f"The list is too large. It may have {MAX_ROWS:,} people at most.")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                found.append((begins, stripped))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInputError(
            f"Line {begins} cannot be read as CSV. Look whether a quotation mark is missing there."
        ) from error
    return found


def _separator(text: str) -> str:
    """Return what stands between cells: of those that spreadsheets write, the one most of the first line."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return max(",;\t", key=first.count)


def _order(
    lines: list[tuple[int, list[str]]],
) -> tuple[Sequence[str], list[tuple[int, list[str]]]]:
    """Return which column is which, and the lines with people.

    Raises:
        InvalidInputError: the first line names columns, and not the mail, or one twice, or others.
    """
    head = [cell.lower() for cell in lines[0][1]]
    if any("@" in cell for cell in head) or not any(cell in _CALLED for cell in head):
        return COLUMNS, lines
    order = [_CALLED.get(cell, "") for cell in head]
    unknown = [cell for cell, name in zip(head, order, strict=True) if cell and not name]
    if unknown:
        raise InvalidInputError(f"There is no column {unknown[0][:50]}. There are {', '.join(COLUMNS)}.")
    named = [name for name in order if name]
    if len(named) != len(set(named)) or "mail" not in named:
        raise InvalidInputError("The first line must name the column mail, and no column twice.")
    return order, lines[1:]


def _row(line: int, cells: list[str], order: Sequence[str]) -> Row:
    wrong: list[str] = []
    if any(cells[len(order) :]):
        wrong.append("More columns than there should be.")
    said = {name: cell for name, cell in zip(order, cells, strict=False) if name}
    typed = tuple(said.get(name, "") for name in COLUMNS)
    email, name, role_word, organisation, manager_word = typed
    try:
        email = naming.clean_email(email)
    except InvalidInputError:
        wrong.append("This is not a mail address." if email else "The mail address is missing.")
    try:
        name = clean_name(name or email.partition("@")[0])
    except InvalidInputError as error:
        wrong.append(error.message)
    role = _ROLES.get(role_word.lower())
    if role is None:
        wrong.append(f"There is no role {role_word[:50]}. There are {', '.join(Role)}.")
    manager = manager_word.lower() in _YES
    if manager_word.lower() not in _YES | _NO:
        wrong.append("Manager is yes or no.")
    if role is not None:
        try:
            check_place(role, in_organisation=bool(organisation), manager=manager)
        except InvalidInputError as error:
            wrong.append(error.message)
    return Row(line, email, name, role or Role.CUSTOMER, organisation, manager, typed, wrong=tuple(wrong))


def _without_twins(rows: list[Row]) -> list[Row]:
    """Say of every line but the first that names somebody that it does so again."""
    first: dict[str, int] = {}
    found: list[Row] = []
    for row in rows:
        before = first.setdefault(row.email.lower(), row.line) if row.email else row.line
        twin = before != row.line
        found.append(
            replace(row, wrong=(*row.wrong, f"Line {before} has this address too.")) if twin else row
        )
    return found
