"""An object store that speaks S3, as a second home of large sealed content: some sealed pieces in each object.

An object is `prefix/content/00000`, with the numbers counting up. It is written whole or not at all, is there once the
store has said so, and the store compares what it got with a digest of what was sent.
"""

import contextlib
import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from io import BytesIO
from itertools import count
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gateway.errors import StoreBusy, StoreFull
from gateway.store.content import pieces_of

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 10, 3
AT_A_TIME = 1000
"""Names in one list, and in one request to remove: what S3 gives and takes."""
_NO_ROOM = 507
_MISSING = ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects go, and who we are there."""

    endpoint: str
    name: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = ""
    ca_file: Path | None = None


class S3Objects:
    """The port `Objects`. Nothing is connected before it is used: a process may be forked before."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._making = Lock()
        self._mark: str | None = None

    def put(self, content_id: str, number: int, octets: bytes) -> None:
        digest = b64encode(hashlib.md5(octets, usedforsecurity=False).digest()).decode()
        with _as_store_errors():
            self._client.put_object(**self._object(content_id, number), Body=octets, ContentMD5=digest)

    def pieces(self, content_id: str) -> Iterator[bytes]:
        for number in count():
            octets = self._get(content_id, number)
            if octets is None and number == 0:
                raise KeyError(content_id)
            if octets is None:
                return
            yield from pieces_of(BytesIO(octets))

    def _get(self, content_id: str, number: int) -> bytes | None:
        """A whole object: its connection is free again before anybody waits for who reads it."""
        with _as_store_errors():
            try:
                return bytes(self._client.get_object(**self._object(content_id, number))["Body"].read())
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _MISSING:
                    return None
                raise

    def remove(self, content_ids: list[str]) -> None:
        for content_id in content_ids:
            with _as_store_errors():
                self._remove([one["Key"] for one, _ in self._stored(content_id)])

    def listed(self) -> tuple[list[str], bool]:
        goes_on = {"ContinuationToken": self._mark} if self._mark else {}
        self._mark = None  # what fails begins anew
        with _as_store_errors():
            page = self._client.list_objects_v2(
                Bucket=self._bucket.name, Prefix=self._folder, Delimiter="/", MaxKeys=AT_A_TIME, **goes_on
            )
        self._mark = page.get("NextContinuationToken")
        names = [one["Prefix"].removeprefix(self._folder).rstrip("/") for one in page.get("CommonPrefixes", [])]
        return names, self._mark is not None

    def remove_old(self, content_id: str, keep: timedelta) -> bool:
        with _as_store_errors():
            stored = list(self._stored(content_id))
            if not stored or any(age < keep for _, age in stored):
                return False
            self._remove([one["Key"] for one, _ in stored])
        return True

    def try_out(self) -> None:
        """Write, read and remove an object. Raises StoreBusy, StoreFull; KeyError where it is not there."""
        name = f"check-{token_hex(8)}"
        self.put(name, 0, name.encode())
        try:
            if b"".join(self.pieces(name)) != name.encode():
                raise StoreBusy("what was written is not what is read")
        finally:
            self.remove([name])

    # --------------------------------------------------------------------------------------------------------- parts

    @property
    def _folder(self) -> str:
        return f"{self._bucket.prefix}/" if self._bucket.prefix else ""

    def _object(self, content_id: str, number: int) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": f"{self._folder}{content_id}/{number:05}"}

    def _stored(self, content_id: str) -> Iterator[tuple[dict[str, Any], timedelta]]:
        """The objects of a content, and how old each is by the store's own time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=f"{self._folder}{content_id}/"
        )
        for page in pages:
            now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
            yield from ((one, now - one["LastModified"]) for one in page.get("Contents", []))

    def _remove(self, names: list[str]) -> None:
        for start in range(0, len(names), AT_A_TIME):
            some = [{"Key": name} for name in names[start : start + AT_A_TIME]]
            done = self._client.delete_objects(Bucket=self._bucket.name, Delete={"Objects": some, "Quiet": True})
            if failed := done.get("Errors"):
                raise StoreBusy(f"objects cannot be removed: {failed[0].get('Code')}")

    @property
    def _client(self) -> Any:
        with self._making:
            return self._made

    @cached_property
    def _made(self) -> Any:
        own = self._bucket
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            s3={"addressing_style": "path"},
            # Not every store knows the newer ones; the digest that each does know goes with each object.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session(own.access_key, own.secret_key, region_name=own.region).client(
            "s3", endpoint_url=own.endpoint, config=config, verify=str(own.ca_file) if own.ca_file else None
        )


@contextlib.contextmanager
def _as_store_errors() -> Iterator[None]:
    """Raises StoreBusy or StoreFull for whatever a store may say, or not say."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise (StoreFull if status == _NO_ROOM else StoreBusy)(f"the object store: {error}") from error
    except BotoCoreError as error:
        raise StoreBusy(f"the object store: {error}") from error
