"""Everything that may go wrong, as one tree.

::

    GatewayError
    ├── ConfigError            settings or keys are unusable: the message names the key and what to write
    │   └── BadPlace           a file or folder that a command was told to use is not what it has to be
    ├── Refused                a mail is not taken, for good: 5yz
    │   ├── RelayDenied        a stranger asks us to carry mail elsewhere
    │   │   └── NotShown       so does a client that serves others as well, without the site's word
    │   ├── NotASender         secure mail whose From belongs to no practice
    │   │   └── NotWrittenTo   an answer by somebody else than the one who was written to
    │   ├── NotAuthor          From is nobody whom the login may write as
    │   ├── TooLarge           larger than smtp.max_message_size
    │   ├── BareLineEnd        a bare CR, a bare LF or a NUL in it
    │   ├── EncryptedAlready   secure mail that its sender has encrypted, where secure_mail.encrypted says so
    │   ├── EndlessHead        more header than anybody writes: what it says last could not be read
    │   ├── Unreadable         our own reading of it has failed, and would fail again
    │   ├── BadRecipient       an address that cannot be read, or no such address at our own domain
    │   ├── RecipientLeft      secure mail to somebody who has erased their account
    │   └── Looping            more Received fields than an honest route has
    │       └── CameBack       it has been here, and comes back again and again
    ├── TryAgain               a mail is not taken now: 4yz
    │   ├── TooMany            more answers to one invitation than a day takes
    │   ├── DirectoryDown      the directory of people does not answer, and what becomes of a mail depends on it
    │   ├── StoreBusy          the database did not answer in time
    │   │   └── StoreGone      its file was removed or replaced while we serve from it
    │   └── StoreFull          no room on the disk
    ├── StoreDamaged           the database's file is no database any more, or a part of it is not
    ├── DamagedBackup          a file of a backup is not as it was written
    ├── BadAddress             not an address of RFC 5321 §4.1.2
    ├── BadProxyHeader         a load balancer does not say who has connected, or not in a way that can be read
    └── WrongKey               content or database does not belong to these keys

Each error that can reach an SMTP client carries its reply: a code, an enhanced status code (RFC 3463) and words
which tell nothing of the mail's content.
"""

from typing import ClassVar


class GatewayError(Exception):
    """The root; `smtp_reply` is what a client hears if nothing more exact is known."""

    smtp_reply: ClassVar[str] = "451 4.3.0 Temporary failure, please try again"


class ConfigError(GatewayError):
    """Settings or keys cannot be used; the text names the key and what to write instead."""


class BadPlace(ConfigError):
    """What a command was told to read or write is something else, or is not there; the text says what to name."""


class Refused(GatewayError):
    """A permanent refusal."""

    smtp_reply = "550 5.7.1 Refused"


class RelayDenied(Refused):
    smtp_reply = "550 5.7.1 Relaying denied: this client may only write to this site's own addresses"


class NotShown(RelayDenied):
    smtp_reply = "550 5.7.1 Relaying denied: this mail lacks the header of smtp.tenant_header"


class NotASender(Refused):
    smtp_reply = "550 5.7.1 Secure mail refused: its From address belongs to no practice known here"


class NotWrittenTo(NotASender):
    pass


class DeadReplyAddress(NotASender):
    smtp_reply = "550 5.7.1 This reply address is not valid (any more); write a new secure mail to the person"


class NotAuthor(Refused):
    smtp_reply = "550 5.7.1 Mail refused: this login may not write as the address in From"  # RFC 6409 §6.1


class TooLarge(Refused):
    smtp_reply = "552 5.3.4 Message is larger than this site takes"  # RFC 1870 §6


class BareLineEnd(Refused):
    smtp_reply = "550 5.6.0 Message refused: bare CR, bare LF or NUL in it (RFC 5321 2.3.8)"


class EncryptedAlready(Refused):
    smtp_reply = "550 5.7.1 Secure mail refused: it is encrypted already; send it without encryption, or unmarked"


class EndlessHead(Refused):
    smtp_reply = "552 5.3.4 Message header is larger than this site takes"


class Unreadable(Refused):
    smtp_reply = "554 5.6.0 Message refused: it cannot be read here"  # RFC 3463 §3.7


class BadRecipient(Refused):
    smtp_reply = "550 5.1.1 No such address here"


class RecipientLeft(Refused):
    smtp_reply = "550 5.1.6 This person has erased their account; write to their address anew"  # RFC 3463 §3.2


class Looping(Refused):
    smtp_reply = "554 5.4.6 Mail loop: too many Received fields"  # RFC 5321 §6.3


class CameBack(Looping):
    smtp_reply = "554 5.4.6 Mail loop: this mail has been here before, and your mail server sends it here again"


class TryAgain(GatewayError):
    """A temporary refusal; the client keeps the mail and comes back."""


class TooMany(TryAgain):
    smtp_reply = "451 4.7.1 Too many mails about one thing today, please try again tomorrow"


class DirectoryDown(TryAgain):
    smtp_reply = "451 4.4.3 The directory of people does not answer, please try again"  # RFC 3463 §3.5


class StoreBusy(TryAgain):
    smtp_reply = "451 4.3.0 Busy, please try again"


class StoreGone(StoreBusy):
    smtp_reply = "451 4.3.0 Database missing, please try again"


class StoreFull(TryAgain):
    smtp_reply = "452 4.3.1 Insufficient system storage"


class StoreDamaged(GatewayError):
    smtp_reply = "451 4.3.0 Database damaged, please try again"


class DamagedBackup(GatewayError):
    """Something of a backup is missing, or is not as it was written; the text has a line for each."""


class BadAddress(GatewayError):
    """The text is no mail address."""

    smtp_reply = "501 5.1.3 Bad address syntax"


class BadProxyHeader(GatewayError):
    """What a connection begins with is no header of the PROXY protocol."""


class WrongKey(GatewayError):
    """Sealed content or the database does not belong to the keys at hand."""
