"""A server that speaks the S3 protocol (moto), on a free port of this machine, for the lake."""

import itertools
import logging

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "desk",
    "AWS_SECRET_ACCESS_KEY": "desk",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ALLOW_HTTP": "true",  # polars insists on TLS otherwise.
}
NAMES = (f"lake-{n}" for n in itertools.count())


class ObjectStore:
    """The server while the tests run; each asks for a bucket of its own."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer  # Every worker reads this file, few start one.

        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # A line for each request.
        self.server.start()

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        host, port = self.server.get_host_and_port()
        return f"http://{host}:{port}"

    def bucket(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Make a bucket, let this test's environment lead to it, and return its URL."""
        import boto3
        import s3fs

        for name, value in (KEYS | {"AWS_ENDPOINT_URL": self.endpoint}).items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()  # It keeps the endpoint that it began with.
        name = next(NAMES)
        boto3.client("s3").create_bucket(Bucket=name)
        return f"s3://{name}/desk"

    def close(self) -> None:
        """Stop it."""
        self.server.stop()
