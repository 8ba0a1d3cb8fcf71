"""Input and output in S3: error messages, and no half-written output."""

import io
from unittest.mock import Mock

import fsspec
import pandas as pd
import pytest
from botocore.exceptions import NoCredentialsError
from django.core.management.base import CommandError

from predictor.models import ScoringRun
from predictor.scoring import pricing, services
from predictor.scoring.errors import ScoringError
from predictor.scoring.outputs import Output
from tests.stores import BUCKET, client_of

from .conftest import score

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(s3_server):
    """boto3's client of the emptied bucket; the environment leads other clients of this process there."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    client = client_of(s3_server)
    for name in keys(client):
        client.delete_object(Bucket=BUCKET, Key=name)
    return client


def keys(client):
    """The names of all objects in the bucket."""
    return sorted(one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()))


def put(client, name, table):
    content = table.to_csv(index=False) if name.endswith(".csv") else table.to_parquet()
    client.put_object(Bucket=BUCKET, Key=name, Body=content)


def test_of_two_that_begin_at_the_same_moment_the_second_is_refused(
    here, bucket, graded, monkeypatch
):
    put(bucket, "in.csv", graded.head(3))
    source, out = f"s3://{BUCKET}/in.csv", f"s3://{BUCKET}/out"
    services.prepare(source, out)
    # The second does not see the first one's plan yet:
    monkeypatch.setattr(Output, "_names", lambda output: [])
    monkeypatch.setattr(Output, "earlier_plan", lambda output: None)
    with pytest.raises(ScoringError, match="out: another run has just begun there"):
        services.prepare(source, out)


def test_from_a_pattern_to_a_folder(here, small_parts, bucket, graded, small_forests):
    put(bucket, "in/a.parquet", graded)
    put(bucket, "in/b.parquet", graded)
    score(f"s3://{BUCKET}/in/*.parquet", f"s3://{BUCKET}/out")
    parts = [f"out/part-{number:05}.parquet" for number in range(20)]
    assert [name for name in keys(bucket) if name.startswith("out/")] == [
        "out/_SUCCESS",
        "out/_plan.json",
        *parts,
    ]
    priced = [
        pd.read_parquet(io.BytesIO(bucket.get_object(Bucket=BUCKET, Key=part)["Body"].read()))
        for part in parts
    ]
    prices = pd.concat(priced).predicted_price.tolist()
    assert prices == [*small_forests["graded"].price(graded).astype(int)] * 2
    assert ScoringRun.objects.get().output == f"s3://{BUCKET}/out"


def test_one_file_and_going_on(here, small_parts, bucket, graded, monkeypatch):
    put(bucket, "in.csv", graded)
    priced, price = [], pricing.priced

    def fail_once(*args):
        priced.append(1)
        if len(priced) == 4:
            raise ScoringError("the plug was pulled")
        return price(*args)

    monkeypatch.setattr(pricing, "priced", fail_once)
    with pytest.raises(CommandError, match="the plug was pulled"):
        score(f"s3://{BUCKET}/in.csv", f"s3://{BUCKET}/out.csv")
    assert "out.csv" not in keys(bucket)
    assert not [name for name in keys(bucket) if name.endswith(".writing")]
    score(f"s3://{BUCKET}/in.csv", f"s3://{BUCKET}/out.csv")
    assert keys(bucket) == ["in.csv", "out.csv"]
    found = pd.read_csv(bucket.get_object(Bucket=BUCKET, Key="out.csv")["Body"])
    assert found.reference.tolist() == graded.reference.tolist()


def test_going_on_in_other_processes(live_models, small_parts, bucket, graded):
    """They write parts after this process has listed them."""
    put(bucket, "in.csv", graded)
    urls = f"s3://{BUCKET}/in.csv", f"s3://{BUCKET}/out.csv"

    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.run(services.prepare(*urls), 1, progress=interrupt)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert services.run(services.prepare(*urls), 1).rows == 1000
    found = pd.read_csv(bucket.get_object(Bucket=BUCKET, Key="out.csv")["Body"])
    assert found.reference.tolist() == graded.reference.tolist()


def test_what_is_not_there(here, bucket, tmp_path, graded, write):
    with pytest.raises(CommandError, match=r"s3://diamonds/none.csv: no such file"):
        score(f"s3://{BUCKET}/none.csv", tmp_path / "out")
    with pytest.raises(CommandError, match=r"s3://no-such-bucket/out"):
        score(write("in.csv", graded), "s3://no-such-bucket/out")


@pytest.mark.parametrize("refused", ["info", "cat_file", "open"])
def test_a_store_that_cannot_be_reached(here, bucket, tmp_path, graded, monkeypatch, refused):
    """The driver's own errors, for example without credentials, are not OSErrors."""
    put(bucket, "in.csv", graded)

    monkeypatch.setattr(f"s3fs.S3FileSystem.{refused}", Mock(side_effect=NoCredentialsError))
    with pytest.raises(
        CommandError, match=r"^s3://diamonds/[^:]*: .*Unable to locate credentials$"
    ):
        score(f"s3://{BUCKET}/in.csv", f"s3://{BUCKET}/out")


def test_a_store_that_refuses(here, bucket, tmp_path, graded, monkeypatch):
    """403, as for credentials without read access."""
    put(bucket, "in.csv", graded)

    monkeypatch.setattr(
        "s3fs.S3FileSystem.info", Mock(side_effect=PermissionError(13, "Access Denied"))
    )
    with pytest.raises(CommandError, match=r"s3://diamonds/in.csv: .*Access Denied"):
        score(f"s3://{BUCKET}/in.csv", tmp_path / "out")
