"""A fake for each port: for our tests and for other people's."""

import copy
import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, cast

from gateway.domain.model import Content, Delivery, Fingerprint, Session
from gateway.domain.model_search import SearchEntry
from gateway.domain.vocabulary import Audience, DeliveryState, Notice
from gateway.ports import Mail, NoPicture, Outcome, PagePicture, Rendered, Sealed, SignInAsked, SignInFailed, Tx, Why
from gateway.store.key_file import KeyRing
from gateway.store.sealing import SiteKeys

R = TypeVar("R")
Row = TypeVar("Row")

DAWN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = DAWN) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    phones = now

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class FakeRandom:
    """Octets that differ each time, and are the same in each run."""

    def __init__(self) -> None:
        self._count = itertools.count()

    def octets(self, count: int) -> bytes:
        return hashlib.shake_128(str(next(self._count)).encode()).digest(count)


def fake_keys() -> SiteKeys:
    """Real ciphers under a key that everyone knows."""
    return SiteKeys(KeyRing({"a": b"k" * 32}, current="a", digests="a"))


class FakeSignIn:
    """The port `SignIn`: the browser comes back at once, as whoever `address` says; without one it fails."""

    def __init__(self, address: str = "") -> None:
        self.address = address

    async def begin(self, back: str) -> SignInAsked:
        if not self.address:
            raise SignInFailed("it does not answer")
        return SignInAsked(f"{back}?state=s&code=c", {"state": "s", "nonce": "n", "code_verifier": "v"})

    async def finish(self, remembered: Mapping[str, str], code: str, back: str) -> str:
        if code != "c":
            raise SignInFailed("no such code")
        return self.address


class MemoryWriter:
    """Content of MemoryContent, while it is written."""

    def __init__(self, octets: dict[str, bytes], content_id: str) -> None:
        self._octets = octets
        self._content_id = content_id
        self._written = b""

    def write(self, octets: bytes) -> None:
        self._written += octets

    def finish(self) -> Sealed:
        self._octets[self._content_id] = self._written
        return Sealed(self._content_id, b"d" * 32, len(self._written), inline=b"")

    def flush(self) -> None: ...

    def sync(self) -> None: ...

    def abandon(self) -> None:
        self._octets.pop(self._content_id, None)


class MemoryContent:
    """Content in a dictionary, in clear."""

    def __init__(self) -> None:
        self.octets: dict[str, bytes] = {}
        self._numbers = itertools.count()

    def put(self, octets: bytes) -> Sealed:
        writer = self.writer()
        writer.write(octets)
        return writer.finish()

    def writer(self) -> "MemoryWriter":
        return MemoryWriter(self.octets, f"{next(self._numbers):032x}")

    def settle(self) -> None: ...

    def get(self, content_id: str, inline: bytes | None, data_key: bytes) -> bytes:
        return self.octets[content_id]

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]:
        yield self.octets[content_id]

    def discard(self, *content_ids: str) -> None:
        for content_id in content_ids:
            self.octets.pop(content_id, None)

    def sweep(self, today: date, keep: timedelta) -> int:
        return 0


class FakeMailer:
    """Keeps what it is given; `outcomes` are used up in turn, one a recipient, then everything is taken."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[tuple[str, str, str, bytes]] = []

    async def send(self, hop: str, mail: Mail) -> tuple[Outcome, ...]:
        octets = b"".join(mail.chunks())
        told = tuple(self.outcomes.pop(0) if self.outcomes else Outcome(250, "2.0.0 Ok") for _ in mail.recipients)
        taken = [recipient for recipient, outcome in zip(mail.recipients, told, strict=True) if outcome.sent]
        self.sent += [(hop, mail.mail_from, recipient, octets) for recipient in taken]
        return told

    def close(self) -> None:
        pass


class FakePainter:
    """Makes one picture of everything, or none, for a reason; `asked` is what it was given."""

    def __init__(self, picture: PagePicture | Why) -> None:
        self.picture = picture
        self.asked: list[tuple[str, bytes, int]] = []

    async def page(self, content_type: str, file: Iterator[bytes], number: int) -> PagePicture:
        self.asked.append((content_type, b"".join(file), number))
        if isinstance(self.picture, Why):
            raise NoPicture(self.picture)
        return self.picture


class FakeRenderer:
    """Says which notice it is and lists the facts."""

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> Rendered:
        text = "\n".join(f"{name}: {value}" for name, value in facts.items())
        return Rendered(f"{notice} to {audience}", text, f"<p>{text}</p>")


_UNIQUE: dict[type, tuple[str, ...]] = {
    Fingerprint: ("fingerprint",),
    Session: ("digest",),
    SearchEntry: ("message_id", "account_id"),
}


class MemoryTx:
    """Rows in dictionaries, by table and id."""

    def __init__(self, tables: dict[type, dict[Any, Any]]) -> None:
        self._tables = tables

    def add(self, row: Row) -> Row:
        table = self._tables.setdefault(type(row), {})
        if not isinstance(row, Content):
            row = cast("Row", dataclasses.replace(cast("Any", row), id=max(table, default=0) + 1))
        table[cast("Any", row).id] = row
        return row

    def add_once(self, row: Row) -> bool:
        same = {name: getattr(row, name) for name in _UNIQUE[type(row)]}
        if self.find(type(row), **same):
            return False
        self.add(row)
        return True

    def put(self, row: Row) -> Row:
        table, row_id = self._tables.get(type(row), {}), cast("Any", row).id
        if row_id not in table:
            raise LookupError(f"{type(row).__name__} {row_id} is not stored")
        table[row_id] = row
        return row

    def get(self, table: type[Row], row_id: int | str) -> Row | None:
        return self._tables.get(table, {}).get(row_id)

    def find(
        self, table: type[Row], *, order: str = "id", limit: int | None = None, skip: int = 0, **where: Any
    ) -> list[Row]:
        rows = [row for row in self._tables.get(table, {}).values() if _meets(row, where)]
        rows.sort(key=lambda row: row.id)
        rows.sort(key=lambda row: _sortable(getattr(row, order.lstrip("-"))), reverse=order.startswith("-"))
        return rows[skip : None if limit is None else skip + limit]

    def one(self, table: type[Row], **where: Any) -> Row | None:
        return next(iter(self.find(table, limit=1, **where)), None)

    def count(self, table: type[Row], **where: Any) -> int:
        return len(self.find(table, **where))

    def remove(self, table: type[Row], **where: Any) -> int:
        if not where:
            raise ValueError("a condition must be given")
        doomed = self.find(table, **where)
        for row in doomed:
            del self._tables[table][cast("Any", row).id]
        return len(doomed)

    def discard(self, content_id: str) -> None: ...

    def give_back(self, pages: int) -> int:
        return 0

    def claim_deliveries(
        self, now: datetime, lease_until: datetime, limit: int, besides: Collection[str] = (), worker: str = ""
    ) -> list[Delivery]:
        due = self.find(Delivery, order="due_at", state=DeliveryState.QUEUED, due_at__le=now)
        free = [one for one in due if (one.lease_until is None or one.lease_until <= now) and one.hop not in besides]
        return [
            self.put(
                dataclasses.replace(
                    delivery, lease_until=lease_until, attempts=delivery.attempts + 1, claimed_by=worker
                )
            )
            for delivery in free[:limit]
        ]


class MemoryStore:
    """Tables in memory; a write that fails leaves them as they were."""

    def __init__(self) -> None:
        self._tables: dict[type, dict[Any, Any]] = {}

    async def write(self, work: Callable[[Tx], R], *, long: bool = False, concerns: Collection[str | bytes] = ()) -> R:
        draft = {table: dict(rows) for table, rows in self._tables.items()}
        result = work(MemoryTx(draft))
        self._tables = draft
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        return work(MemoryTx(copy.copy(self._tables)))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda have, want: have == want,
    "ne": lambda have, want: have != want,
    "le": lambda have, want: have is not None and have <= want,
    "lt": lambda have, want: have is not None and have < want,
    "gt": lambda have, want: have is not None and have > want,
    "in": lambda have, want: have in want,
}


def _meets(row: object, where: Mapping[str, Any]) -> bool:
    conditions = ((*condition.partition("__")[::2], want) for condition, want in where.items())
    return all(_COMPARE[compare](getattr(row, name), want) for name, compare, want in conditions)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)
