"""Cheaper storage classes for old bundles, as one lifecycle rule among those of the bucket's owner."""

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from app.adapters.storage.s3.client import Connection, code_of, s3_errors
from app.adapters.storage.s3.names import FILES
from app.domain.errors import InvalidInputError
from app.ports import Tier

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef

#: The name of our rule.
RULE: Final = "diagport-tier"

#: Classes that can be read at once, and the fewest days after which S3 moves objects there.
CLASSES: Final = {"STANDARD_IA": 30, "GLACIER_IR": 1}


class Tiering:
    """`app.ports.HasTiers` over a bucket."""

    at: Connection

    @property
    def place(self) -> str:
        """See `app.ports.HasTiers`."""
        return f"bucket {self.at.bucket}"

    def tier(self) -> Tier | None:
        """See `app.ports.HasTiers`."""
        for rule in self._rules()[0]:
            if rule.get("ID") == RULE and rule["Status"] == "Enabled":
                move: Any = (rule.get("Transitions") or [{}])[0]
                return Tier(move.get("Days", 0), move.get("StorageClass", "?"))
        return None

    def set_tier(self, tier: Tier | None) -> None:
        """See `app.ports.HasTiers`. S3 has no condition for it: let nobody else change rules meanwhile."""
        if tier is not None:
            _check(tier)
        rules, least_size = self._rules()
        wanted: list[Any] = [rule for rule in rules if rule.get("ID") != RULE]
        if tier is not None:
            wanted.append(_rule(tier))
        elif len(wanted) == len(rules):
            return  # there is none
        with s3_errors():
            if wanted:
                self.at.client.put_bucket_lifecycle_configuration(
                    Bucket=self.at.bucket, LifecycleConfiguration={"Rules": wanted}, **least_size
                )
            else:
                self.at.client.delete_bucket_lifecycle(Bucket=self.at.bucket)

    def _rules(self) -> "tuple[list[LifecycleRuleOutputTypeDef], dict[str, Any]]":
        """Return the rules there are, and what else must be said again with them."""
        with s3_errors():
            try:
                found: Any = self.at.client.get_bucket_lifecycle_configuration(Bucket=self.at.bucket)
            except ClientError as error:
                if code_of(error) == "NoSuchLifecycleConfiguration":
                    return [], {}
                raise
        size = found.get("TransitionDefaultMinimumObjectSize")  # not every store has it
        return list(found.get("Rules", [])), {"TransitionDefaultMinimumObjectSize": size} if size else {}


def _check(tier: Tier) -> None:
    if tier.storage_class not in CLASSES:
        raise InvalidInputError(
            f"Bundles must be readable at once: take {' or '.join(CLASSES)}, not {tier.storage_class}."
        )
    if tier.days < CLASSES[tier.storage_class]:
        raise InvalidInputError(
            f"S3 moves nothing to {tier.storage_class} before day {CLASSES[tier.storage_class]}."
        )


def _rule(tier: Tier) -> dict[str, Any]:
    return {
        "ID": RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": f"{FILES}/"},
        "Transitions": [{"Days": tier.days, "StorageClass": tier.storage_class}],
    }
