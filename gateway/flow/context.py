"""What every use case is given, and how an edge asks for one."""

import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.audit_chain import signed
from gateway.domain.model_records import Audit, Known
from gateway.domain.site import Site
from gateway.domain.vocabulary import Purpose
from gateway.errors import WrongKey
from gateway.ports import Clock, Keys, Store, Tx

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row")


def _only_one(_: object) -> Iterable[int]:
    return (1,)


@dataclass(frozen=True, slots=True)
class Context:
    """One transaction at one instant: the first argument of every use case."""

    tx: Tx
    site: Site
    keys: Keys
    now: datetime
    place: str = ""
    """From where it was asked for: a client's address, or the command line; "" where the gateway acts by itself."""
    queue_id: str = ""
    """Of the mail that is taken in, if one is: what it brings about bears it."""
    phones: datetime | None = None
    """What people's phones show, where that is not `now`."""

    @property
    def today(self) -> date:
        """The local date at the site."""
        return self.site.day_of(self.now)

    def opened(
        self, token: str, purpose: Purpose, table: type[Row], generations: Callable[[Row], Iterable[int]] = _only_one
    ) -> Row | None:
        """The row that a token opens; None for every other token alike. A row has one generation, if none are named."""
        row_id = self.keys.row_of(token, purpose)
        row = self.tx.get(table, row_id) if row_id else None
        held = self.held(token, purpose, row_id, generations(row) if row else (1,))
        return row if held else None

    def of_mail(self, queue_id: str) -> "Context":
        """The same, for what the mail of this queue id brings about."""
        return replace(self, queue_id=queue_id)

    def held(self, token: str, purpose: Purpose, row_id: int | None, generations: Iterable[int]) -> int:
        """Of which of these generations the token is, 0 for none. A made-up row costs as much as a true one."""
        told = [one for one in generations if self.keys.holds(token, purpose, row_id or 0, one)]
        return told[0] if told and row_id else 0

    def sealed_birthdate(self, invitation_id: int, birthdate: date) -> bytes:
        """How a birthdate is stored: as a keyed digest, bound to its invitation, and sealed.

        There are few birthdates to guess, and a digest's key stays when keys are rotated: the seal is what rotates.
        """
        return self.keys.seal(self._birthdate_digest(invitation_id, birthdate), bound_birthdate(invitation_id))

    def is_birthdate(self, invitation_id: int, stored: bytes | None, birthdate: date | None) -> bool:
        """Whether it is the one that was stored; none is like none. An altered one is like no other."""
        if stored is None or birthdate is None:
            return stored is None and birthdate is None
        try:
            known = self.keys.open(stored, bound_birthdate(invitation_id))
        except WrongKey:
            return False
        return hmac.compare_digest(known, self._birthdate_digest(invitation_id, birthdate))

    def _birthdate_digest(self, invitation_id: int, birthdate: date) -> bytes:
        return self.keys.digest("birthdate", f"{invitation_id}|{birthdate.isoformat()}".encode())

    def audit(self, actor: str, act: Act, subject: str, detail: str = "") -> None:
        """Record who did what to which. Nothing that a person wrote belongs in `detail`."""
        row = Audit(at=self.now, actor=actor, action=act.value, subject=subject, detail=detail, place=self.place)
        self.tx.add(signed(self.keys, row))


def bound_birthdate(invitation_id: int) -> str:
    """What a birthdate is bound to."""
    return f"birthdate|{invitation_id}"


class Directory(Protocol):
    """The site's directory of people, as a port: edges ask it before a transaction."""

    async def look_up(self, addresses: Sequence[Address]) -> Mapping[str, Known]:
        """What it says of each, by key; those of whom it gave no answer are left out. Never raises."""
        ...

    def close(self) -> None:
        """Nobody asks it any more."""
        ...


@dataclass(slots=True)
class Desk:
    """Where edges bring their work: runs a use case in a transaction at the present instant.

    A reload of the settings puts a new `site` and `directory` here; what `at` has given goes on with its own.
    """

    store: Store
    site: Site
    keys: Keys
    clock: Clock
    directory: Directory | None = None
    place: str = ""
    """From where what is brought here was asked for (`Context.place`)."""
    concerns: Collection[str | bytes] = ()
    """The keys of the addresses that it is about, and fingerprints (`Store.write`)."""

    @property
    def today(self) -> date:
        """The local date at the site."""
        return self.site.day_of(self.clock.now())

    def at(self, place: str) -> "Desk":
        """The same desk, for what comes from there."""
        return replace(self, place=place)

    def concerning(self, keys: Collection[str | bytes]) -> "Desk":
        """The same desk, for what is about these addresses and fingerprints."""
        return replace(self, concerns=keys)

    async def do(self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that writes; durable on return. Raises StoreBusy, StoreFull, and what the use case raises."""
        return await self.store.write(lambda tx: use_case(self._context(tx), *args, **kwargs), concerns=self.concerns)

    async def do_at_length(
        self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `do`, for what may take over 20 ms: the event loop goes on meanwhile."""
        return await self.store.write(
            lambda tx: use_case(self._context(tx), *args, **kwargs), long=True, concerns=self.concerns
        )

    async def ask(self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that only reads."""
        return await self.store.read(lambda tx: use_case(self._context(tx), *args, **kwargs))

    def _context(self, tx: Tx) -> Context:
        return Context(tx, self.site, self.keys, self.clock.now(), self.place, phones=self.clock.phones())
