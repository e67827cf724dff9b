"""What every use case is given, and how an edge asks for one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Concatenate, ParamSpec, TypeVar

from gateway.domain.model import Audit
from gateway.domain.site import Site
from gateway.ports import Clock, Keys, Store, Tx

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Context:
    """One transaction at one instant: the first argument of every use case."""

    tx: Tx
    site: Site
    keys: Keys
    now: datetime

    @property
    def today(self) -> date:
        """The local date at the site."""
        return self.now.astimezone(self.site.zone).date()

    def birthdate_digest(self, invitation_id: int, birthdate: date) -> bytes:
        """How a birthdate is stored: keyed, and bound to its invitation, so that equal dates do not look equal."""
        return self.keys.digest("birthdate", f"{invitation_id}|{birthdate.isoformat()}".encode())

    def audit(self, actor: str, action: str, subject: str, detail: str = "") -> None:
        """Record who did what to which. Nothing that a person wrote belongs in `detail`."""
        said = "\0".join((self.now.isoformat(), actor, action, subject, detail)).encode()
        mac = self.keys.digest("audit", said)
        self.tx.add(Audit(at=self.now, actor=actor, action=action, subject=subject, detail=detail, mac=mac))


@dataclass(frozen=True, slots=True)
class Desk:
    """Where edges bring their work: runs a use case in a transaction at the present instant."""

    store: Store
    site: Site
    keys: Keys
    clock: Clock

    async def do(self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that writes; durable on return. Raises StoreBusy, StoreFull, and what the use case raises."""
        return await self.store.write(lambda tx: use_case(self._context(tx), *args, **kwargs))

    async def do_at_length(
        self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `do`, for what may take over 20 ms: the event loop goes on meanwhile."""
        return await self.store.write(lambda tx: use_case(self._context(tx), *args, **kwargs), long=True)

    async def ask(self, use_case: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that only reads."""
        return await self.store.read(lambda tx: use_case(self._context(tx), *args, **kwargs))

    def _context(self, tx: Tx) -> Context:
        return Context(tx, self.site, self.keys, self.clock.now())
