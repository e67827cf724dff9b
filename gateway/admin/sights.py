"""What can be seen of this machine from any process: disk, certificates, the copies of the ledger."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from gateway.config.settings import Settings
from gateway.domain.needs import NeedKind
from gateway.flow.upkeep.troubles import Seen

ENOUGH_ROOM = 500_000_000
"""Octets: ten of the largest mails."""
SOON = timedelta(days=14)
"""A certificate that ends within this time needs to be renewed."""
KINDS = (NeedKind.DISK, NeedKind.CERTIFICATE, NeedKind.LEDGER_COPY)


def all_seen(settings: Settings, now: datetime) -> list[Seen]:
    """What is wrong now."""
    return [*_disk(settings), *_certificates(settings, now), *_ledger_copies(settings)]


def certificate_ends(settings: Settings) -> dict[str, datetime]:
    """When each certificate that the settings name ends, by the key that names it; one that cannot be read is left out.

    The portal's own is its proxy's: that one this gateway cannot see.
    """
    return {
        key: end
        for key, file in (("smtp.tls_cert", settings.smtp.tls_cert),)
        if file and (end := _end_of(settings.path(file)))
    }


def _disk(settings: Settings) -> Iterator[Seen]:
    free = shutil.disk_usage(settings.data_folder).free
    if free < ENOUGH_ROOM:
        yield Seen(NeedKind.DISK, "", free // 1_000_000)


def _certificates(settings: Settings, now: datetime) -> Iterator[Seen]:
    for key, end in certificate_ends(settings).items():
        if end - now < SOON:
            yield Seen(NeedKind.CERTIFICATE, key, max(end - now, timedelta()) // timedelta(days=1))


def _ledger_copies(settings: Settings) -> Iterator[Seen]:
    for name in settings.ledger.copies:
        copy = settings.path(name)
        if not os.access(copy if copy.exists() else copy.parent, os.W_OK):
            yield Seen(NeedKind.LEDGER_COPY, str(copy))


def _end_of(file: Path) -> datetime | None:
    try:
        return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError):
        return None
