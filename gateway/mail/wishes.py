"""What an author asks of the reader's mail system: to be told when the mail is opened, and to let it go by a date."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway.domain.address import Address
from gateway.mail.decoding import unfolded
from gateway.mail.mailboxes import mailboxes
from gateway.mail.parse import Head

LONGEST_DATE = 100
_ENDS = ("expires", "expiry-date")  # RFC 4021 §2.1.50, RFC 2156 §5.3.6


def wants_receipt(head: Head, author: Address) -> bool:
    """Whether the author asks for a read receipt to their own address, and to no other (RFC 8098 §2.1)."""
    named = [one for field in head.fields if field.name == "disposition-notification-to" for one in _named(field.value)]
    return bool(named) and all(one.key == author.key for one in named)


def ends_at(head: Head) -> datetime | None:
    """When the mail is to be gone; None where that is not said in a way that can be read."""
    said = next((head.get(name) for name in _ENDS if head.has(name)), "")
    if not said or len(said) > LONGEST_DATE:
        return None
    try:
        end = parsedate_to_datetime(said)
        return (end if end.tzinfo else end.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _named(value: bytes) -> list[Address]:
    return [one.address for one in mailboxes(unfolded(value), 2)]
