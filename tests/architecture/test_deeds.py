"""Whatever services write into the trail, people read in words."""

import ast
import re

from app.domain.lifecycle import UploadState
from app.web.deeds import GROUPS, actions_of, changes, deed, particulars
from tests.architecture.source import files, tree

#: Every deed that has words.
KNOWN = {action for _, deeds in GROUPS.values() for action in deeds}
_DEED = re.compile(rf"(?:{'|'.join(sorted({action.partition('.')[0] for action in KNOWN}))})\.[a-z_]+")


def written() -> set[str]:
    """Return everything in the services that can be a deed."""
    constants = (
        node.value
        for path in files(".py", below="app/services")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
    )
    found = {value for value in constants if isinstance(value, str) and _DEED.fullmatch(value)}
    return found | {f"upload.{state}" for state in UploadState}


def test_every_deed_has_words_and_a_place_in_the_filter() -> None:
    assert written() - KNOWN == set()
    assert all(deed(action) != action for action in KNOWN)


def test_a_group_is_all_its_deeds() -> None:
    assert set(actions_of("downloads")) == set(GROUPS["downloads"][1])
    assert actions_of("upload.deleted") == ("upload.deleted",)
    assert actions_of("") == ()
    assert not KNOWN & set(GROUPS)


def test_what_was_changed_stands_beside_what_it_was() -> None:
    assert changes({"before": "a", "after": None}) == [("", "a", "nothing")]
    assert changes(
        {"after": {"quota_bytes": 5, "name": "x"}, "before": {"quota_bytes": None, "name": "x"}}
    ) == [("Quota bytes", "nothing", "5")]
    assert changes({"after": ["a", "b"]}) == [("", "nothing", "a, b")]
    assert changes({"door": "tus"}) == []
    detail = {"before": 1, "after": 2, "door": "tus", "open": True, "terms": {"days": 3}}
    assert particulars(detail) == [("Door", "tus"), ("Open", "yes"), ("Terms", '{"days": 3}')]
