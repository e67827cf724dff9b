"""Settings as a whole: sections.py has each table, rules.py what must be so between them, toml_file.py reads them."""

import re
import socket
from base64 import b64encode
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import PrivateAttr, model_validator

from gateway.config.hosts import is_loopback
from gateway.config.kinds import is_address, split_address
from gateway.config.rules import broken_rules, practice_id
from gateway.config.sections import PracticeSection
from gateway.config.tables import Tables
from gateway.domain.birthdate import Order
from gateway.domain.intent import Encrypted, NearMiss
from gateway.domain.site import Directory, Marks, Practice, Retention, Rhythm, Site, Stamp
from gateway.errors import ConfigError

PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_PICTURE = 20_000


class Settings(Tables):
    """The whole settings file."""

    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _keeps_all_rules(self) -> "Settings":
        if faults := broken_rules(self):
            raise ValueError("\n".join(faults))
        return self

    def in_folder(self, folder: Path) -> Self:
        """These settings, as of a file in that folder."""
        self._folder = folder
        return self

    @property
    def folder(self) -> Path:
        """Where the settings file lies: relative paths start here."""
        return self._folder

    @property
    def heads_file(self) -> Path | None:
        """The file that gets the heads of the audit, if one is named and no address."""
        place = self.audit.heads_to
        return self.path(place) if place and not is_address(place) else None

    def path(self, text: str) -> Path:
        """A path of the settings, from the folder of their file."""
        return self.folder / text

    @property
    def database_path(self) -> Path:
        """The SQLite file. Raises ConfigError where the database is another one."""
        match = re.fullmatch(r"sqlite:///(.+)", self.database.url)
        if not match:
            raise ConfigError(
                "database.url: this is done with an SQLite file only; a PostgreSQL database has tools of its own "
                "for it: docs/nodes.md"
            )
        return self.path(match[1])

    @property
    def has_nodes(self) -> bool:
        """Whether any number of gateways may serve from the database."""
        return not self.database.url.startswith("sqlite:")

    @property
    def data_folder(self) -> Path:
        """Where this machine keeps what it has to keep: beside the database's file, or beside the ledger."""
        return self.path(self.ledger.file).parent if self.has_nodes else self.database_path.parent

    @property
    def serving_path(self) -> Path:
        """The file that whoever serves from the database on this machine holds."""
        if self.has_nodes:
            return self.data_folder / "gateway.serving"
        return self.database_path.with_name(self.database_path.name + ".serving")

    @property
    def spool_path(self) -> Path:
        """Where large content lies beside the SQLite file. Raises ConfigError where the database is another one."""
        return self.database_path.with_name(self.database_path.name + ".spool")

    @property
    def node(self) -> str:
        """How this gateway is told from the others that serve from the database; "" where there are none."""
        return (self.database.node or socket.gethostname()) if self.has_nodes else ""

    def _picture(self, file: str) -> str:
        """A picture as a `data:` URL, since it comes within each page (RFC 2397)."""
        if not file:
            return ""
        kind = PICTURES.get(Path(file).suffix.lower())
        try:
            octets = self.path(file).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"practices.logo: {file} cannot be read ({error.strerror}); name an SVG or PNG"
            ) from error
        if kind is None or len(octets) > LARGEST_PICTURE:
            raise ConfigError(
                f"practices.logo: {file} is no SVG or PNG; name one of {LARGEST_PICTURE // 1000} KB at most"
            )
        return f"data:{kind};base64,{b64encode(octets).decode()}"

    def _practice(self, p: PracticeSection) -> Practice:
        return Practice(
            id=practice_id(p),
            name=p.name,
            domains=tuple(p.domains),
            senders=tuple(p.senders),
            language=p.language,
            colour=p.colour,
            logo=self._picture(p.logo),
            managers=tuple(p.managers),
            delegates=tuple(p.delegates),
            fallback=p.fallback,
            machines=tuple(p.machines),
            emergency=" ".join(p.emergency.split()),
            date_order=Order(p.date_order),
        )

    def _directory(self) -> Directory | None:
        own = self.directory
        if not own.url:
            return None
        relays = frozenset(relay.domain for relay in self.relays if relay.who == "directory")
        practices = {domain for practice in self.practices for domain in practice.domains}
        return Directory(
            domains=frozenset(own.domains) or relays | practices,
            relays=relays,
            cache=own.cache,
            stale=own.stale,
            knows_practices=bool(own.practice_attribute) or any(p.directory_base for p in self.practices),
        )

    def policy(self) -> Site:
        """What flows may know. Raises ConfigError."""
        headers = tuple(
            (name.strip(), value.strip()) for name, _, value in (h.partition(":") for h in self.secure_mail.headers)
        )
        own = self.practices[0].domains or [self.site.domain]
        hop_host, _ = split_address(self.next_hop.address)
        return Site(
            name=self.site.name,
            domain=self.site.domain,
            portal_url=self.site.portal_url,
            zone=ZoneInfo(self.site.timezone),
            practices=tuple(map(self._practice, self.practices)),
            relay_domains=frozenset(relay.domain for relay in self.relays),
            marks=Marks(
                always=self.secure_mail.when == "always",
                tags=tuple(dict.fromkeys([self.secure_mail.subject_tag, *self.secure_mail.more_tags])),
                headers=headers,
                near_miss=NearMiss(self.secure_mail.near_miss),
                encrypted=Encrypted(self.secure_mail.encrypted),
                exempt=frozenset(self.secure_mail.exempt),
            ),
            rhythm=Rhythm(
                reminder_days=tuple(self.invitations.reminder_days),
                expire_after_days=self.invitations.expire_after_days,
                birthdate_attempts=self.invitations.birthdate_attempts,
                reminder_hour=self.invitations.reminder_hour,
                lapse_after_days=self.invitations.lapse_after_days,
                grace_days=self.invitations.grace_days,
                grace_after_outage=self.invitations.grace_after_outage,
            ),
            replies_may_travel=self.next_hop.tls == "verified" or is_loopback(hop_host),
            keep_days=self.secure_mail.keep_days,
            retention=Retention(sent=self.retention.sent, traces=self.retention.traces, audit=self.retention.audit),
            audit_heads_to=self.audit.heads_to if is_address(self.audit.heads_to) else "",
            observes=self.secure_mail.mode == "observe",
            open_receipts=self.secure_mail.open_receipts,
            read_receipts=self.secure_mail.read_receipts,
            stamp=_stamp(self.smtp.processed_header),
            tenant=_stamp(self.smtp.tenant_header),
            directory=self._directory(),
            postmaster=self.site.postmaster or f"postmaster@{own[0]}",
        )


def _stamp(header: str) -> Stamp | None:
    return Stamp(*header.split(": ")) if header else None
