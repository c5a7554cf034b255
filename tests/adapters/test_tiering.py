"""Old bundles in cheaper storage classes: one rule of ours among those of the bucket's owner."""

import pytest

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError, InvalidInputError
from app.ports import HasTiers, Tier
from tests.s3servers import S3Server

THEIRS = [
    {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 8},
    },
    {
        "ID": "old versions",
        "Status": "Enabled",
        "Filter": {"Prefix": "files/"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    },
]


@pytest.fixture
def bucket(moto: S3Server) -> str:
    return moto.bucket()


@pytest.fixture
def storage(moto: S3Server, bucket: str) -> S3Storage:
    return S3Storage(moto.account(bucket))


def rules(moto: S3Server, bucket: str) -> list[str]:
    found = moto.client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return [rule["ID"] for rule in found]


def test_on_and_off_and_nothing_of_theirs_is_touched(moto: S3Server, bucket: str, storage: S3Storage) -> None:
    moto.client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": THEIRS})  # type: ignore[typeddict-item]
    before = moto.client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert storage.tier() is None
    storage.set_tier(Tier(60, "STANDARD_IA"))
    storage.set_tier(Tier(90, "GLACIER_IR"))
    assert storage.tier() == Tier(90, "GLACIER_IR")
    assert rules(moto, bucket) == ["theirs", "old versions", "diagport-tier"]
    ours = moto.client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][-1]
    assert ours["Filter"] == {"Prefix": "files/"}, "what waits for its scan stays where it is"
    storage.set_tier(None)
    assert storage.tier() is None
    assert moto.client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == before


def test_the_only_rule_goes_without_a_trace(moto: S3Server, bucket: str, storage: S3Storage) -> None:
    storage.set_tier(None)
    storage.set_tier(Tier(30, "STANDARD_IA"))
    assert rules(moto, bucket) == ["diagport-tier"]
    storage.set_tier(None)
    with pytest.raises(moto.client.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        rules(moto, bucket)


@pytest.mark.parametrize(
    "tier",
    [
        Tier(90, "GLACIER"),
        Tier(90, "DEEP_ARCHIVE"),
        Tier(90, "standard_ia"),
        Tier(29, "STANDARD_IA"),
        Tier(0, "GLACIER_IR"),
    ],
)
def test_what_could_not_be_read_at_once_is_refused(storage: S3Storage, tier: Tier) -> None:
    with pytest.raises(InvalidInputError):
        storage.set_tier(tier)
    assert storage.tier() is None


def test_a_bucket_that_is_not_there(moto: S3Server) -> None:
    away = S3Storage(moto.account("no-such-bucket"))
    assert isinstance(away, HasTiers)
    with pytest.raises(DependencyError):
        away.tier()
