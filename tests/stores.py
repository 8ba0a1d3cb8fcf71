"""moto's S3 server on a local port, and the environment that its clients need."""

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
    """The environment of a client of an empty bucket; this process has it inside the block."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
        urlopen(f"http://{host}:{port}/moto-api/reset", b"").close()  # a process has only one store
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
    """boto3's client of the server."""
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )


def keep(media, environment):
    """Uploads the forests of a media folder to the bucket; returns its FOREST_STORE."""
    client = client_of(environment)
    for path in media.rglob("*.forest"):
        client.upload_file(str(path), BUCKET, f"site/{path.relative_to(media)}")
    return f"s3://{BUCKET}/site"
