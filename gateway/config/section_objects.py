"""The settings of an object store."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ByteSize, Field

from gateway.config.kinds import Size, StoreAddress
from gateway.config.section import Section


def _bucket(text: str) -> str:
    if "/" in text or text != text.strip():
        raise ValueError('write the name of the bucket alone, for example "riverside-mail"')
    return text


class ObjectsSection(Section):
    """An object store (S3) in which large content lies, sealed, in place of the database; for PostgreSQL only."""

    bucket: Annotated[str, AfterValidator(_bucket)] = Field(
        default="",
        description="its name; empty: all content lies in the database; needs the extra secure-mail-gateway[s3]",
    )
    endpoint: StoreAddress | Literal[""] = Field(
        default="",
        description="where the store listens, such as https://s3.eu-central-1.amazonaws.com; "
        "https, but for a trial on one machine",
    )
    region: str = Field(default="us-east-1", description="as the store names it; one of your own may not mind")
    access_key: str = Field(default="", description="who we are there: the key's id, which is no secret")
    secret_key_file: str = Field(default="", description="a file that holds the secret of that key")
    prefix: Annotated[str, AfterValidator(lambda text: text.strip("/"))] = Field(
        default="", description="what the names of objects begin with, where a bucket is shared; never change it"
    )
    above: Annotated[Size, Field(ge=256 * 1024)] = Field(
        default=ByteSize(1_000_000), description="smaller content stays in the database", examples=["1MB"]
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")
