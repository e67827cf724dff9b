"""What flows and edges need of the outside, as protocols; testing.py has a fake of each."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import Audience, Notice, Purpose

R = TypeVar("R")
Row = TypeVar("Row")


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def phones(self) -> datetime:
        """What people's phones show, on which codes depend: another time than `now` only where this clock was moved."""
        ...


class Random(Protocol):
    """Unguessable octets."""

    def octets(self, count: int) -> bytes: ...


class Keys(Protocol):
    """Everything that needs a secret of the site's.

    Data keys are 32 octets, made for one content each, and are stored only wrapped. What was sealed or wrapped begins
    with the letter of the site's key that it opens under.
    """

    @property
    def current(self) -> str:
        """The letter of the key under which everything new is sealed."""

    @property
    def letters(self) -> frozenset[str]:
        """The letters of all keys that open what was sealed under them."""

    def mark(self, letter: str) -> str:
        """What tells this key from any other; it says nothing of the key. Raises KeyError for a letter not there."""

    def look_again(self) -> None:
        """Read the keys anew where they come from. Raises ConfigError, and goes on with those that there were."""

    def token(self, purpose: Purpose, row: int, generation: int = 1) -> str:
        """The token that opens this row: derived, never stored; lower-case base32, 128 bits of MAC."""

    def row_of(self, token: str, purpose: Purpose) -> int | None:
        """The row which the token claims to open: not yet proof; compare with `holds`."""

    def holds(self, token: str, purpose: Purpose, row: int, generation: int = 1) -> bool:
        """Whether this very token opens the row in this generation; constant time."""

    def is_outlived(self, token: str, purpose: Purpose) -> bool:
        """Whether it may be a token of a key that was retired: nothing more is known of it."""

    def wrap(self, data_key: bytes, bound_to: str) -> bytes:
        """Wrap a data key for one holder; only the same `bound_to` unwraps it."""

    def unwrap(self, wrapped: bytes, bound_to: str) -> bytes:
        """Raises WrongKey."""

    def seal(self, octets: bytes, bound_to: str) -> bytes:
        """Seal something small under the site's own key."""

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises WrongKey."""

    def seal_under(self, data_key: bytes, octets: bytes) -> bytes:
        """Seal a small companion of a content (its subject) under the content's own data key: lost with it."""

    def open_under(self, data_key: bytes, sealed: bytes) -> bytes:
        """Raises WrongKey."""

    def digest(self, purpose: str, octets: bytes) -> bytes:
        """A keyed digest (HMAC-SHA-256), the same whatever key is the current one: audit rows, CSRF tokens."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Octets that were sealed outside a transaction and wait for their row.

    `inline` is the ciphertext of small content; larger content has a home of its own.
    """

    content_id: str
    data_key: bytes
    size: int
    inline: bytes | None = None


class ContentWriter(Protocol):
    """Content that is sealed while it arrives; memory stays flat whatever its size.

    `write`, `flush` and `sync` raise StoreFull or StoreBusy, and have then abandoned what there was. A home may be
    across a network: they are for a thread, but for a `write` of no more than 256 KiB in all, which stores nothing yet.
    """

    def write(self, octets: bytes) -> None: ...

    def finish(self) -> Sealed:
        """The whole of it, sealed; what lies not in its row is still to be flushed or synced."""

    def flush(self) -> None:
        """Have it in its home: from now on it can be read."""

    def sync(self) -> None:
        """Flush, and wait until all is as durable as the commit of its row will be, but for `ContentStore.settle`."""

    def abandon(self) -> None:
        """Leave nothing behind; what is across a network goes later, and only if no row names it. Waits for nothing."""


class ContentStore(Protocol):
    """The home of sealed octets. Never called inside a write transaction, but for `settle` just before a commit.

    Whatever stores, reads or removes is for a thread, unless content is `inline`; all but `discard` may raise StoreFull
    or StoreBusy.
    """

    def put(self, octets: bytes) -> Sealed:
        """Seal and store in one go."""

    def writer(self) -> ContentWriter:
        """For content that comes bit by bit."""

    def settle(self) -> None:
        """Make the names of all files that were finished so far durable: one sync for all who share a commit."""

    def get(self, content_id: str, inline: bytes | None, data_key: bytes) -> bytes:
        """Open content from its row's `inline` octets or its home. Raises WrongKey, or KeyError where it is gone."""

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]:
        """As `get`, in pieces of at most 256 KiB, so that memory stays flat whatever the size."""

    def discard(self, *content_ids: str) -> None:
        """Remove what these contents, whose rows are gone, have in a home. What that fails for is left to `sweep`."""

    def sweep(self, today: date, keep: timedelta) -> int:
        """Remove what has been here for longer than that and no row names; some of it, and what went, in numbers."""


class Tx(Protocol):
    """One transaction: rows in, rows out. Field names are checked; a condition is `field=value`, or
    `field__le`, `field__lt`, `field__gt`, `field__in`, `field__ne` with the value to compare with.
    """

    def add(self, row: Row) -> Row:
        """Insert; returns the row with its `id` (Content keeps its own)."""
        ...

    def add_once(self, row: Row) -> bool:
        """Insert unless a unique key stands in the way; whether it was inserted."""
        ...

    def put(self, row: Row) -> Row:
        """Update the stored row of the same id with all the fields of this one; returns it."""
        ...

    def get(self, table: type[Row], row_id: int | str) -> Row | None: ...

    def find(
        self, table: type[Row], *, order: str = "id", limit: int | None = None, skip: int = 0, **where: Any
    ) -> list[Row]:
        """Rows that meet every condition; `order` is a field, with a leading `-` for descending."""
        ...

    def one(self, table: type[Row], **where: Any) -> Row | None:
        """The first of `find`."""
        ...

    def count(self, table: type[Row], **where: Any) -> int: ...

    def remove(self, table: type[Row], **where: Any) -> int:
        """Delete the rows that meet every condition (at least one must be given); how many."""
        ...

    def discard(self, content_id: str) -> None:
        """Remove the file of a content that has got no row, once the transaction is durable."""
        ...

    def give_back(self, pages: int) -> int:
        """Give so much of the room that removed rows have left back to the disk; how many pages are left."""
        ...

    def claim_deliveries(
        self, now: datetime, lease_until: datetime, limit: int, besides: Collection[str] = (), worker: str = ""
    ) -> list[Delivery]:
        """Take due, unleased deliveries for this worker, oldest first, setting their lease and counting the attempt;
        those for the hops in `besides` are left."""
        ...


class Store(Protocol):
    """Transactions. A write is durable when `write` returns."""

    async def write(self, work: Callable[[Tx], R], *, long: bool = False, concerns: Collection[str | bytes] = ()) -> R:
        """Run in the one writer's transaction. The work's own error fails it alone. It keeps the event loop for as long
        as it runs; what may take over 20 ms is `long` and runs beside it. `concerns`: the keys of addresses that it
        will ask about, and fingerprints; a store across a network reads ahead. Raises StoreBusy or StoreFull."""
        ...

    async def read(self, work: Callable[[Tx], R]) -> R:
        """Run on a snapshot; nothing written is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a hop said of one delivery: `code` 0 means that it could not be asked.

    `reached` is false where no session came about at all: then it would have been the same for any mail.
    """

    code: int
    text: str
    reached: bool = True

    @property
    def sent(self) -> bool:
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail on its way to a hop: its envelope, and `size` octets of content, read chunk by chunk."""

    mail_from: str
    recipients: tuple[str, ...]
    size: int
    chunks: Callable[[], Iterator[bytes]]


class Mailer(Protocol):
    """Hands one mail to a hop."""

    async def send(self, hop: str, mail: Mail) -> tuple[Outcome, ...]:
        """An outcome for each recipient. `hop` is empty for the next hop, else a relay's domain.

        Never raises for what a hop may do; what `chunks` raises it passes on, and then nothing was taken.
        """
        ...

    def close(self) -> None:
        """Take leave of every hop; what is under way goes on to its end."""


class ScannerDown(Exception):
    """The scanner could not be asked; the text says why, in a line for an administrator."""


class Scanner(Protocol):
    """Looks for viruses."""

    async def scan(self, file: Iterator[bytes]) -> str:
        """The name of what was found; "" for nothing. Raises ScannerDown."""
        ...


class Why(StrEnum):
    """Why there is no picture of a file's page."""

    LOCKED = "it takes a password"
    TOO_MUCH = "it takes too much time or room"
    UNREADABLE = "it is damaged, or not what it seems to be"


class NoPicture(Exception):
    """No picture is made of a page."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture of one page of a file: its octets, their type, its size in pixels, and the words that stand on it."""

    octets: bytes
    content_type: str
    width: int
    height: int
    pages: int
    shown_pages: int
    """Of how many pages there are pictures."""
    text: str = ""


class Painter(Protocol):
    """Makes pictures of what browsers do not show."""

    async def page(self, content_type: str, file: Iterator[bytes], number: int) -> PagePicture:
        """The page of this number, from 1. Raises NoPicture."""
        ...


class SignInFailed(Exception):
    """The practice's sign-in has named nobody; the text says why, in a line for an administrator."""


@dataclass(frozen=True, slots=True)
class SignInAsked:
    """Where a browser is sent to sign in, and what it must bring back from there, `state` among it."""

    url: str
    remembered: Mapping[str, str]


class SignIn(Protocol):
    """A practice's own sign-in: the browser goes there and comes `back`."""

    async def begin(self, back: str) -> SignInAsked:
        """Raises SignInFailed."""
        ...

    async def finish(self, remembered: Mapping[str, str], code: str, back: str) -> str:
        """The address of who signed in. Raises SignInFailed."""
        ...


class Renderer(Protocol):
    """Templates to text."""

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> "Rendered":
        """Render a notice: `templates/mail/<notice>.*`."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A notice's three faces: subject in one line, plain text, HTML."""

    subject: str
    text: str
    html: str
