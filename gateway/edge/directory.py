"""The site's directory over LDAP (RFC 4511), Active Directory included: asked in threads, and never for long.

At most `AT_ONCE` questions are under way, one for each address however many mails want it. When it has failed, nobody
waits for it again for `REST` seconds: whoever asks hears at once that there is no answer.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from ldap3 import NONE, SAFE_SYNC, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from gateway.domain.address import Address
from gateway.domain.model_records import Known
from gateway.domain.vocabulary import Role
from gateway.errors import DirectoryDown

log = structlog.get_logger()

AT_ONCE = 4
REST = 2.0
LONGEST = 200
"""Characters of a value that are kept."""
_MOST_VALUES = 20
_FINE = (0, 4)
"""success, and sizeLimitExceeded: there are several (RFC 4511 §4.1.9)."""
_DISABLED = 2
"""ADS_UF_ACCOUNTDISABLE in Active Directory's userAccountControl."""
_NO = ("", "0", "false", "no")


@dataclass(frozen=True, slots=True)
class Ldap:
    """Where the directory is, and how its entries are read. Only to a server on this machine is `tls` not spoken."""

    host: str
    port: int
    from_start: bool
    """Whether TLS is spoken from the start, or asked for (STARTTLS)."""
    tls: bool
    ca_file: str | None
    bind_dn: str
    password: str
    base: str
    filter: str
    name: str
    role: str
    roles: Mapping[str, Role]
    other_role: Role | None
    practice: str
    practices: Mapping[str, str]
    """Ids of practices, by id and by name in lower case."""
    bases: Sequence[tuple[str, str]]
    """Where the people of a practice are, and its id, the longest first."""
    domains: Mapping[str, str]
    """Ids of practices by domain: for where the directory says nothing of practices."""
    secure_mail: str
    timeout: int

    @property
    def attributes(self) -> list[str]:
        wanted = (self.name, self.role, self.practice, self.secure_mail, "userAccountControl")
        return sorted({one for one in wanted if one})

    def query(self, who: Address) -> str:
        """The filter by which this address is found (RFC 4515 §3)."""
        return self.filter.replace("{address}", escape_filter_chars(who.key))

    def known(self, who: Address, entries: Sequence[Mapping[str, Any]]) -> Known:
        """What the entries of an answer say. Two people with one address are nobody whom we may take for either."""
        found = [one for one in entries if one.get("type") == "searchResEntry"]  # a referral is not followed
        if len(found) != 1:
            if found:
                log.warning("the directory has several people with one address; it is taken for nobody's")
            return Known()
        values = {name.lower(): raw for name, raw in found[0].get("raw_attributes", {}).items()}
        if self._is_disabled(values):
            return Known()
        practice_id = self._practice_of(who, str(found[0].get("dn", "")), values)
        return Known(
            practice_id=practice_id,
            name=" ".join(_first(values, self.name).split()),
            role=self._role_of(values) if practice_id else None,
            has_secure_mail=bool(self.secure_mail) and _first(values, self.secure_mail).casefold() not in _NO,
        )

    def _practice_of(self, who: Address, dn: str, values: Mapping[str, Any]) -> str:
        place = _dn(dn)
        for base, practice_id in self.bases:
            if place == _dn(base) or place.endswith(f",{_dn(base)}"):
                return practice_id
        named = next((self.practices[one] for one in _texts(values, self.practice) if one in self.practices), "")
        asks = self.bases or self.practice
        return named if asks else self.domains.get(who.domain, "")

    def _role_of(self, values: Mapping[str, Any]) -> Role | None:
        said = (self.roles[one] for one in _texts(values, self.role) if one in self.roles)
        return next(said, self.other_role)

    @staticmethod
    def _is_disabled(values: Mapping[str, Any]) -> bool:
        flags = _first(values, "userAccountControl")
        return flags.isascii() and flags.isdigit() and len(flags) < LONGEST and bool(int(flags) & _DISABLED)


class LdapDirectory:
    """The port `Directory`; `on_change` is told whether it answers, each time that this changes."""

    def __init__(self, ldap: Ldap, on_change: Callable[[bool], None] = lambda _: None) -> None:
        self._ldap = ldap
        self._on_change = on_change
        self._threads = ThreadPoolExecutor(AT_ONCE, "directory")
        self._local = threading.local()
        self._connections: set[Any] = set()
        self._flights: dict[str, asyncio.Future[Known | None]] = {}
        self._rests_until = 0.0
        self._answers = True
        on_change(True)

    def asks_as(self, other: "LdapDirectory") -> bool:
        """Whether the other one asks the same server in the same way."""
        return self._ldap == other._ldap

    async def look_up(self, addresses: Sequence[Address]) -> Mapping[str, Known]:
        said = await asyncio.gather(*(self._one(who) for who in addresses))
        return {who.key: known for who, known in zip(addresses, said, strict=True) if known is not None}

    async def check(self) -> None:
        """Sign in and search, for `gateway check`. Raises DirectoryDown."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._search, Address("nobody@", "nobody@"))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for connection in list(self._connections):
            _hang_up(connection)

    async def _one(self, who: Address) -> Known | None:
        flight = self._flights.get(who.key)
        if flight is None:
            flight = self._flights[who.key] = asyncio.ensure_future(self._ask(who))
            flight.add_done_callback(lambda _: self._flights.pop(who.key, None))
        return await asyncio.shield(flight)

    async def _ask(self, who: Address) -> Known | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            return None
        try:
            known = await loop.run_in_executor(self._threads, self._search, who)
        except DirectoryDown as error:
            self._rests_until = loop.time() + REST
            self._tell(False, str(error))
            return None
        self._tell(True, "")
        return known

    def _tell(self, answers: bool, why: str) -> None:
        if answers is self._answers:
            return
        self._answers = answers
        self._on_change(answers)
        if answers:
            log.info("the directory answers again")
        else:
            log.error("the directory does not answer: secure mail that depends on it waits", reason=why)

    # ------------------------------------------------------------------------------------------------ in a thread

    def _search(self, who: Address) -> Known:
        """One question. A connection that was left lying may have died: then it is asked once more on a new one.

        Raises DirectoryDown, whatever a server or the library brings about.
        """
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._asked(kept, who)
            except Exception:  # the next one says what is wrong
                self._leave(kept)
        connection = self._connection()
        self._connections.add(connection)
        try:
            self._sign_in(connection)
            known = self._asked(connection, who)
        except Exception as error:
            self._leave(connection)
            place = f"{self._ldap.host}:{self._ldap.port}"
            why = str(error) if isinstance(error, DirectoryDown) else f"{type(error).__name__}: {str(error)[:200]}"
            raise DirectoryDown(f"{place}: {why}") from error
        self._local.connection = connection
        return known

    def _leave(self, connection: Any) -> None:
        self._local.connection = None
        self._connections.discard(connection)
        _hang_up(connection)

    def _asked(self, connection: Any, who: Address) -> Known:
        ldap = self._ldap
        _, result, response, _ = connection.search(
            ldap.base, ldap.query(who), SUBTREE, attributes=ldap.attributes, size_limit=2, time_limit=ldap.timeout
        )
        if result["result"] not in _FINE:
            raise DirectoryDown(f"the search failed ({result['description']})")
        return ldap.known(who, response or ())

    def _connection(self) -> Any:
        ldap = self._ldap
        tls = _Verified(validate=ssl.CERT_REQUIRED, ca_certs_file=ldap.ca_file)
        server = Server(
            ldap.host,
            ldap.port,
            use_ssl=ldap.from_start,
            tls=tls if ldap.tls else None,
            connect_timeout=ldap.timeout,
            get_info=NONE,
        )
        return Connection(
            server,
            ldap.bind_dn or None,
            ldap.password or None,
            client_strategy=SAFE_SYNC,
            auto_referrals=False,
            check_names=False,
            receive_timeout=ldap.timeout,
            read_only=True,
        )

    def _sign_in(self, connection: Any) -> None:
        ldap = self._ldap
        connection.open()
        if ldap.tls and not ldap.from_start and not connection.start_tls()[0]:
            raise DirectoryDown("STARTTLS is refused")
        if not connection.bind()[0]:
            raise DirectoryDown(f"signing in as {ldap.bind_dn or 'nobody'} is refused")


class _Verified(Tls):  # type: ignore[misc]
    """TLS as Python does it, which compares the host's name as well (RFC 6125), in place of the library's own ways."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=connection.server.host
        )


def _hang_up(connection: Any) -> None:
    with contextlib.suppress(LDAPException, OSError):
        connection.unbind()
    if connection.socket:
        connection.socket.close()


def _dn(text: str) -> str:
    """A distinguished name as it is compared here: without blanks around its commas, in lower case."""
    return ",".join(part.strip().casefold() for part in text.split(","))


def _raw(values: Mapping[str, Any], name: str) -> Sequence[Any]:
    return values.get(name.lower(), ())[:_MOST_VALUES] if name else ()


def _texts(values: Mapping[str, Any], name: str) -> list[str]:
    """An attribute's values in lower case."""
    return [_text(one).casefold() for one in _raw(values, name)]


def _first(values: Mapping[str, Any], name: str) -> str:
    return next((_text(one) for one in _raw(values, name)), "")


def _text(raw: Any) -> str:
    """A value, of which a directory may hold anything: short, and without what a terminal or a mail would obey."""
    text = bytes(raw[: 4 * LONGEST]).decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST]).strip()
