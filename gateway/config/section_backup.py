"""The tables of the settings file about backups, and about the ledger that a restore needs beside them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.section import Section


def _recipient(text: str) -> str:
    import pyrage  # noqa: PLC0415 - serving needs nothing of it

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise ValueError('is no age recipient; write the "age1…" that `gateway init` has made') from error
    return text


class BackupSection(Section):
    """How `gateway backup` encrypts what it writes."""

    recovery_key: Annotated[str, AfterValidator(lambda text: _recipient(text) if text else text)] = Field(
        default="",
        description="the public half of the recovery key (age); empty: backups are not encrypted further, and hold "
        "neither keys nor passwords",
    )


class LedgerSection(Section):
    """What was destroyed and what was sent: kept outside of backups, and followed when one is restored."""

    file: str = Field(
        default="gateway.ledger", description="keep it, or a copy of it, on another disk than the database"
    )
    copies: list[str] = Field(
        default=[],
        description="files to keep copies of it in, on other disks",
        examples=[["/mnt/other/gateway.ledger"]],
    )
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=60, description="no shorter than backups are kept: an older one could not be restored with it"
    )
