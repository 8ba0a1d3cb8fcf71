"""A stand-in for S3, of moto's, on a port of this machine; and what a client of it needs to be told."""

from contextlib import contextmanager
from urllib.request import urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "diamonds"
KEYS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "only-for-the-tests",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


@contextmanager
def s3():
    """The environment that leads a client to an empty bucket, as a dict; this process has it meanwhile."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
        urlopen(f"http://{host}:{port}/moto-api/reset", b"").close()  # a process has one store
        client_of(environment).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            yield environment
    finally:
        server.stop()


def client_of(environment):
    """boto3's client of the stand-in."""
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )


def keep(media, environment):
    """Puts the forests of a media folder into the bucket; the FOREST_STORE that has them."""
    client = client_of(environment)
    for path in media.rglob("*.forest"):
        client.upload_file(str(path), BUCKET, f"site/{path.relative_to(media)}")
    return f"s3://{BUCKET}/site"
