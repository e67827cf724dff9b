"""An object store that speaks S3: moto's server, in a process of its own, with everything in memory."""

import subprocess
import sys
from typing import Any

import boto3
from botocore.config import Config

from gateway.store.objects import Bucket
from tests.peers.ports import reserve
from tests.peers.process import end, wait_until_listening


class ObjectStore:
    """One server on one port, whether it runs or not, with one bucket; a start finds that empty."""

    def __init__(self) -> None:
        self.port = reserve(self)
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}),
        )

    @property
    def bucket(self) -> Bucket:
        return Bucket(f"http://127.0.0.1:{self.port}", "mail", "us-east-1", "gateway", "secret", "held")

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_listening(self._process, self.port, 60)
        self.client.create_bucket(Bucket="mail")

    def stop(self) -> None:
        if self._process:
            end(self._process)
        self._process = None

    def objects(self) -> dict[str, bytes]:
        """All that lies in the bucket, by its name."""
        found = self.client.list_objects_v2(Bucket="mail").get("Contents", [])
        return {one["Key"]: self.client.get_object(Bucket="mail", Key=one["Key"])["Body"].read() for one in found}

    def put(self, name: str, octets: bytes) -> None:
        self.client.put_object(Bucket="mail", Key=name, Body=octets)

    def empty(self) -> None:
        for name in self.objects():
            self.client.delete_object(Bucket="mail", Key=name)
