"""Settings as a whole: config_sections.py has each table, settings_file.py reads them and writes the example.

Every key may also be given as `GATEWAY_SECTION__KEY`, lists and tables as JSON; the environment wins. An unknown key
is an error.
"""

import ipaddress
import re
from base64 import b64encode
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config_kinds import is_loopback, split_address
from gateway.config_sections import (
    DatabaseSection,
    InvitationsSection,
    KeysSection,
    MailboxSection,
    MetricsSection,
    NextHopSection,
    OpenIdSection,
    PortalSection,
    PracticeSection,
    RelaySection,
    RetentionSection,
    ScanSection,
    SecureMailSection,
    SiteSection,
    SmtpSection,
)
from gateway.domain.address import address
from gateway.domain.birthdate import Order
from gateway.domain.intent import Encrypted, NearMiss
from gateway.domain.site import Marks, Practice, Retention, Rhythm, Site, practice_of
from gateway.errors import ConfigError

PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_PICTURE = 20_000


class Settings(BaseSettings):
    """The whole settings file."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", env_nested_delimiter="__", extra="forbid")

    site: SiteSection
    practices: list[PracticeSection] = Field(min_length=1)
    relays: list[RelaySection] = []
    openid: list[OpenIdSection] = []
    smtp: SmtpSection = SmtpSection()
    secure_mail: SecureMailSection = SecureMailSection()
    next_hop: NextHopSection
    invitations: InvitationsSection = InvitationsSection()
    database: DatabaseSection = DatabaseSection()
    retention: RetentionSection = RetentionSection()
    portal: PortalSection = PortalSection()
    scan: ScanSection = ScanSection()
    metrics: MetricsSection = MetricsSection()
    keys: KeysSection = KeysSection()
    mailbox: MailboxSection = MailboxSection()

    folder: Path = Field(default=Path(), exclude=True)
    """Where the settings file lies: relative paths start here."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _ways_are_safe(self) -> "Settings":
        host, _ = split_address(self.next_hop.address)
        if self.next_hop.tls != "verified" and not is_loopback(host) and not self._is_trusted(host):
            raise ValueError(
                'next_hop.tls: write "verified": this hop is neither loopback nor in smtp.trusted_networks'
            )
        if self.mailbox.host and self.mailbox.tls == "none" and not is_loopback(self.mailbox.host):
            raise ValueError('mailbox.tls: write "verified": this server is not on a loopback address')
        return self

    @model_validator(mode="after")
    def _practices_differ(self) -> "Settings":
        ids = [_practice_id(practice) for practice in self.practices]
        if len(ids) != len(set(ids)):
            raise ValueError("practices: two of them have the same id; give each an id of its own")
        if unknown := {one.practice for one in self.openid} - set(ids):
            raise ValueError(f"openid.practice: there is no practice {sorted(unknown)[0]}; write one of {sorted(ids)}")
        if any(not practice.domains and not practice.senders for practice in self.practices):
            raise ValueError("practices: each needs domains or senders, or nobody can write for it")
        return self

    @model_validator(mode="after")
    def _nobody_signs_in_in_clear(self) -> "Settings":
        if self.smtp.users_file and not self.smtp.tls_cert:
            raise ValueError("smtp.users_file: write smtp.tls_cert too: passwords are only taken over STARTTLS")
        return self

    @model_validator(mode="after")
    def _named_people_write_for_their_practice(self) -> "Settings":
        for practice in self.practices:
            acting = [one for pair in practice.delegates for one in pair]
            fallback = [practice.fallback] if practice.fallback else []
            named = {"managers": practice.managers, "delegates": acting, "fallback": fallback}
            for key, people in named.items():
                strangers = [one for one in people if practice_of(self.practices, address(one)) is not practice]
                if strangers:
                    raise ValueError(f"practices.{key}: {strangers[0]} does not write for {practice.name}")
        return self

    def _is_trusted(self, host: str) -> bool:
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(ip in network for network in self.smtp.trusted_networks)

    def path(self, text: str) -> Path:
        """A path of the settings, from the folder of their file."""
        return self.folder / text

    @property
    def database_path(self) -> Path:
        """The SQLite file. Raises ConfigError for another database."""
        match = re.fullmatch(r"sqlite:///(.+)", self.database.url)
        if not match:
            raise ConfigError('database.url: only SQLite is built so far; write "sqlite:///gateway.db"')
        return self.path(match[1])

    @property
    def spool_path(self) -> Path:
        """Where large content lies: beside the database."""
        return self.database_path.with_name(self.database_path.name + ".spool")

    def _picture(self, file: str) -> str:
        """A picture as a `data:` URL, since it comes within each page (RFC 2397)."""
        if not file:
            return ""
        kind = PICTURES.get(Path(file).suffix.lower())
        try:
            octets = self.path(file).read_bytes()
        except OSError as error:
            raise ConfigError(f"practices.logo: {file} cannot be read ({error.strerror})") from error
        if kind is None or len(octets) > LARGEST_PICTURE:
            raise ConfigError(f"practices.logo: {file} is no SVG or PNG of at most {LARGEST_PICTURE // 1000} KB")
        return f"data:{kind};base64,{b64encode(octets).decode()}"

    def _practice(self, p: PracticeSection) -> Practice:
        return Practice(
            id=_practice_id(p),
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
            observes=self.secure_mail.mode == "observe",
            open_receipts=self.secure_mail.open_receipts,
            read_receipts=self.secure_mail.read_receipts,
            postmaster=self.site.postmaster or f"postmaster@{own[0]}",
        )


def _practice_id(practice: PracticeSection) -> str:
    return practice.id or re.sub(r"[^a-z0-9]+", "-", practice.name.casefold()).strip("-")
