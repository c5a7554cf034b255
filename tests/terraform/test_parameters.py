"""What operators tune in Parameter Store begins as the portal's own defaults."""

import re
from pathlib import Path
from typing import Final

from app.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2] / "terraform"


def _parameters() -> dict[str, str]:
    """Return the map `parameters` of secrets.tf: names without DIAGPORT_, and first values."""
    text = (ROOT / "secrets.tf").read_text(encoding="utf-8")
    block = re.search(r"^  parameters = \{\n(.*?)^  \}", text, re.MULTILINE | re.DOTALL)
    assert block
    return dict(re.findall(r'^    ([A-Z_]+)\s+= "(.*)"$', block[1], re.MULTILINE))


def test_each_parameter_is_a_setting_and_begins_as_its_default() -> None:
    parameters = _parameters()
    assert len(parameters) == 14
    fields = Settings.model_fields
    assert parameters == {name: str(fields[name.lower()].default) for name in parameters}


def test_parts_are_kept_for_longer_than_an_upload_can_be_gone_on_with() -> None:
    """The rule counts from the beginning of an upload: one that is just being sent must not be ended."""
    rules = (ROOT / "s3.tf").read_text(encoding="utf-8")
    days = re.search(r"days_after_initiation = (\d+)", rules)
    assert days
    assert int(days[1]) * 24 * 3600 > Settings.model_fields["resumable_for"].default
    assert "RESUMABLE_FOR" not in _parameters()


def test_nothing_current_expires_among_bundles() -> None:
    """Bundles under incoming/ were acknowledged; files/ ends by the portal itself: holds outrank time."""
    rules = (ROOT / "s3.tf").read_text(encoding="utf-8")
    expirations = re.findall(r"^    expiration \{\n(.*?)^    \}", rules, re.MULTILINE | re.DOTALL)
    assert expirations
    assert {line.strip() for body in expirations for line in body.splitlines()} == {
        "expired_object_delete_marker = true"
    }
