"""tus 1.0.0, concatenation: parts sent side by side become one upload."""

import pytest

from app.system import System
from tests.web.callers import Caller
from tests.web.looks import document, problem
from tests.web.parts import CONTENT, SHA256, SIZE, check_whole, join, part, parts, places, wholes
from tests.web.tus import Tus, metadata


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer, CONTENT)


@pytest.mark.parametrize("how", ["relative", "absolute", "mixed"])
def test_parts_become_one_upload_in_the_order_that_is_said(tus: Tus, system: System, how: str) -> None:
    """Parts are named by relative or absolute URLs, and joined as they are listed."""
    several = parts(tus.caller)
    for number, one in enumerate(several):
        if how == "absolute" or (how == "mixed" and number % 2):
            one.place = f"http://localhost{one.place}"
    answer = join(tus, places(several), case="cs-1", sha256=SHA256)
    body = document(answer, 201)
    whole = check_whole(system, body)
    assert answer.location == f"/tus/{whole.id}"
    assert (answer.headers["Upload-Id"], whole.filename, whole.case_reference) == (
        body["id"],
        "web-01.tgz",
        "CS-1",
    )


def test_head_tells_the_length_and_what_was_joined(tus: Tus) -> None:
    """Once joined, Upload-Offset equals Upload-Length; Upload-Concat is what the creation said."""
    several = parts(tus.caller)
    asked = [one.head() for one in several]
    assert {answer.headers["Upload-Concat"] for answer in asked} == {"partial"}
    assert [int(answer.headers["Upload-Offset"]) for answer in asked] == [len(one.content) for one in several]
    urls = f"http://localhost{several[0].place} {places(several[1:])}"
    tus.place = join(tus, urls).location
    answer = tus.head()
    assert answer.headers["Upload-Offset"] == answer.headers["Upload-Length"] == str(SIZE)
    assert answer.headers["Upload-Concat"] == f"final;{urls}"
    assert answer.headers["Upload-Metadata"] == metadata(filename="web-01.tgz")


def test_nothing_can_be_added_to_a_whole(tus: Tus) -> None:
    """PATCH against a final upload is 403, and changes nothing."""
    several = parts(tus.caller)
    tus.place = join(tus, places(several)).location
    problem(tus.patch(SIZE, data=b""), 403, "forbidden")
    problem(tus.patch(0), 403, "forbidden")
    assert tus.offset() == SIZE


def test_joining_twice_gives_the_first_upload_again(tus: Tus, system: System) -> None:
    """The answer was lost: who asks the parts finds them whole, and who joins them gets the same."""
    several = parts(tus.caller)
    first = join(tus, places(several), case="cs-1")
    assert [one.offset() for one in several] == [len(one.content) for one in several]
    again = join(tus, places(several), case="cs-1")
    assert (again.location, document(again)) == (first.location, document(first))
    check_whole(system, document(first))


def test_a_part_is_used_once(tus: Tus, system: System) -> None:
    several = parts(tus.caller)
    first = join(tus, places(several))
    for others in (several[::-1], several[1:]):
        problem(join(tus, places(others)), 409, "state_conflict")
    check_whole(system, document(first))


@pytest.mark.parametrize("sent", [0, 4])
def test_unfinished_parts_are_not_joined(tus: Tus, system: System, sent: int) -> None:
    """`concatenation-unfinished` is not offered."""
    several = [part(tus.caller, CONTENT[:3000]), part(tus.caller, CONTENT[3000:], sent)]
    detail = problem(join(tus, places(several)), 409, "state_conflict")["detail"]
    assert "Part 2" in detail
    assert several[1].patch(sent).status_code == 204
    check_whole(system, document(join(tus, places(several))))


@pytest.mark.parametrize(
    "value",
    ["", "final", "final;", "final; ", "parts", "partial;x", "PARTIAL", "final;http://[", "final;/tus/1",
     "final;/upload/{id}", "final;http://elsewhere.example/tus/{id}", "final;/tus/{id} /tus/{id}"],
)  # fmt: skip
def test_upload_concat_is_read_strictly(tus: Tus, system: System, value: str) -> None:
    one = part(tus.caller, CONTENT)
    headers = {"Upload-Concat": value.replace("{id}", one.place.rpartition("/")[2])}
    headers["Upload-Metadata"] = metadata(filename="a.tgz")
    problem(tus.ask("POST", "/tus", headers), 400, "bad_request")
    assert wholes(system) == []
    assert one.offset() == SIZE


@pytest.mark.parametrize("field", [{"Upload-Length": str(SIZE)}, {"Upload-Defer-Length": "1"}])
def test_a_whole_has_no_length_of_its_own(tus: Tus, system: System, field: dict[str, str]) -> None:
    """The client must not send Upload-Length with it."""
    one = part(tus.caller, CONTENT)
    headers = {"Upload-Concat": f"final;{one.place}", "Upload-Metadata": metadata(filename="a.tgz")}
    problem(tus.ask("POST", "/tus", headers | field), 400, "bad_request")
    assert wholes(system) == []


def test_only_parts_are_joined(tus: Tus, system: System) -> None:
    """A whole upload, finished or not, is no part."""
    one = part(tus.caller, CONTENT)
    other = Tus(tus.caller).create()
    problem(join(tus, places([one, other])), 400, "bad_request")
    assert other.patch().status_code == 200
    problem(join(tus, places([one, other])), 400, "bad_request")


def test_the_metadata_of_parts_is_not_that_of_the_whole(tus: Tus) -> None:
    """It has to be sent with the final creation, the file's name too."""
    headers = {"Upload-Concat": "partial", "Upload-Length": str(SIZE)}
    headers["Upload-Metadata"] = metadata(filename="part.tgz", case="cs-9")
    tus.place = tus.ask("POST", "/tus", headers).location
    assert tus.head().headers["Upload-Metadata"] == headers["Upload-Metadata"]
    tus.patch()
    problem(tus.ask("POST", "/tus", {"Upload-Concat": f"final;{tus.place}"}), 422, "invalid_input")
    body = document(join(tus, tus.place))
    assert (body["filename"], body["case"]) == ("web-01.tgz", None)


def test_parts_may_come_with_their_creation_and_say_their_length_later(tus: Tus, system: System) -> None:
    """The other extensions go together with this one."""
    first = Tus(tus.caller, CONTENT[:3000])
    headers = {"Upload-Concat": "partial", "Content-Type": "application/offset+octet-stream"}
    first.place = tus.ask("POST", "/tus", headers | {"Upload-Length": "3000"}, data=CONTENT[:3000]).location
    second = Tus(tus.caller, CONTENT[3000:])
    second.place = tus.ask("POST", "/tus", {"Upload-Concat": "partial", "Upload-Defer-Length": "1"}).location
    second.patch(0, 500)
    problem(join(tus, places([first, second])), 409, "state_conflict")
    answer = second.patch(500, headers={"Upload-Length": str(SIZE - 3000)})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(SIZE - 3000))
    check_whole(system, document(join(tus, places([first, second]))))


def test_a_single_part_makes_a_whole_too(tus: Tus, system: System) -> None:
    body = document(join(tus, part(tus.caller, CONTENT).place))
    assert body["sha256"] == SHA256
    check_whole(system, body)


def test_a_part_may_be_ended_before_it_is_joined(tus: Tus) -> None:
    """Termination of a part; what was joined ends as a whole only."""
    several = parts(tus.caller)
    assert several[1].delete().status_code == 204
    problem(join(tus, places(several)), 410, "gone")
    several[1] = part(tus.caller, several[1].content)
    assert join(tus, places(several)).status_code == 201
    problem(several[0].delete(), 409, "state_conflict")


def test_others_find_no_part(tus: Tus, stranger: Caller, engineer: Caller) -> None:
    """T1: not to ask, not to read, not to join; nor is it an upload to its own sender."""
    one = part(tus.caller, CONTENT)
    theirs = Tus(stranger, CONTENT)
    theirs.place = one.place
    assert theirs.head().status_code == theirs.delete().status_code == 404
    upload_id = one.place.rpartition("/")[2]
    answers = [join(theirs, one.place), join(theirs, f"/tus/{upload_id[:-4]}0000")]
    assert len({answer.data for answer in answers}) == 1
    problem(answers[0], 404, "not_found")
    for who in (stranger, engineer, tus.caller):
        assert who.get(f"/api/v1/uploads/{upload_id}").status_code == 404
        assert who.get(f"/download/{upload_id}").status_code == 404
        assert who.get(f"/files/{upload_id}").status_code == 404
        assert who.get("/api/v1/uploads").get_json()["items"] == []
