"""Settings as a whole: sections.py has each table, toml_file.py reads them and writes the example.

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

from gateway.config.kinds import is_address, is_loopback, split_address
from gateway.config.section_admin import AdminSection
from gateway.config.section_audit import AuditSection
from gateway.config.section_backup import BackupSection, LedgerSection
from gateway.config.section_directory import DirectorySection, RelaySection
from gateway.config.section_dkim import DkimSection
from gateway.config.section_dns import DnsSection
from gateway.config.section_keys import KeysSection
from gateway.config.section_log import LogSection
from gateway.config.section_smtp import SmtpSection
from gateway.config.section_telemetry import TelemetrySection
from gateway.config.sections import (
    DatabaseSection,
    InvitationsSection,
    MailboxSection,
    MetricsSection,
    NextHopSection,
    OpenIdSection,
    PortalSection,
    PracticeSection,
    RetentionSection,
    ScanSection,
    SecureMailSection,
    SiteSection,
)
from gateway.domain.address import address
from gateway.domain.birthdate import Order
from gateway.domain.intent import Encrypted, NearMiss
from gateway.domain.site import Directory, Marks, Practice, Retention, Rhythm, Site, Stamp, practice_of
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
    directory: DirectorySection = DirectorySection()
    smtp: SmtpSection = SmtpSection()
    secure_mail: SecureMailSection = SecureMailSection()
    next_hop: NextHopSection
    dkim: list[DkimSection] = []
    dns: DnsSection = DnsSection()
    invitations: InvitationsSection = InvitationsSection()
    database: DatabaseSection = DatabaseSection()
    retention: RetentionSection = RetentionSection()
    audit: AuditSection = AuditSection()
    portal: PortalSection = PortalSection()
    scan: ScanSection = ScanSection()
    metrics: MetricsSection = MetricsSection()
    telemetry: TelemetrySection = TelemetrySection()
    keys: KeysSection = KeysSection()
    backup: BackupSection = BackupSection()
    ledger: LedgerSection = LedgerSection()
    mailbox: MailboxSection = MailboxSection()
    admin: AdminSection = AdminSection()
    log: LogSection = LogSection()

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

    def _ways_are_safe(self) -> None:
        host, _ = split_address(self.next_hop.address)
        if self.next_hop.tls != "verified" and not is_loopback(host) and not self._is_trusted(host):
            raise ValueError(
                'next_hop.tls: write "verified": this hop is neither loopback nor in smtp.trusted_networks'
            )
        if self.mailbox.host and self.mailbox.tls == "none" and not is_loopback(self.mailbox.host):
            raise ValueError('mailbox.tls: write "verified": this server is not on a loopback address')

    def _practices_differ(self) -> None:
        ids = [_practice_id(practice) for practice in self.practices]
        if len(ids) != len(set(ids)):
            raise ValueError("practices: two of them have the same id; give each an id of its own")
        if unknown := {one.practice for one in self.openid} - set(ids):
            raise ValueError(f"openid.practice: there is no practice {sorted(unknown)[0]}; write one of {sorted(ids)}")
        if any(not practice.domains and not practice.senders for practice in self.practices):
            raise ValueError("practices: each needs domains or senders, or nobody can write for it")

    def _selectors_differ(self) -> None:
        selectors = [one.selector for one in self.dkim]
        if twice := {one for one in selectors if selectors.count(one) > 1}:
            raise ValueError(f"dkim.selector: {min(twice)} stands there twice; give each key a selector of its own")

    def _nobody_signs_in_in_clear(self) -> None:
        if self.smtp.users_file and not self.smtp.tls_cert:
            raise ValueError("smtp.users_file: write smtp.tls_cert too: passwords are only taken over TLS")
        if self.smtp.tls_listen and not self.smtp.tls_cert:
            raise ValueError("smtp.tls_listen: write smtp.tls_cert too: the certificate that is shown there")

    def _shared_servers_show_a_word(self) -> None:
        if self.smtp.shared_networks and not self.smtp.tenant_header:
            raise ValueError("smtp.shared_networks: write smtp.tenant_header too: it tells your mail from others'")
        words = [
            header.partition(": ")[2] for header in (self.smtp.tenant_header, self.smtp.processed_header) if header
        ]
        if len(words) > len(set(words)):
            raise ValueError("smtp.processed_header: write another word than in smtp.tenant_header: others may see it")

    def _directory_is_whole(self) -> None:
        own = self.directory
        if own.url and not own.base:
            raise ValueError('directory.base: write where its people are, for example "dc=hospital,dc=example"')
        asks = [relay.domain for relay in self.relays if relay.who == "directory"]
        if asks and not (own.url and own.secure_mail_attribute):
            raise ValueError(f"relays.who: {asks[0]} asks the directory; write directory.url and secure_mail_attribute")

    def _named_people_write_for_their_practice(self) -> None:
        for practice in self.practices:
            acting = [one for pair in practice.delegates for one in pair]
            fallback = [practice.fallback] if practice.fallback else []
            named = {"managers": practice.managers, "delegates": acting, "fallback": fallback}
            for key, people in named.items():
                strangers = [one for one in people if practice_of(self.practices, address(one)) is not practice]
                if strangers:
                    raise ValueError(
                        f"practices.{key}: {strangers[0]} does not write for {practice.name}; write one of its people"
                    )

    def _admin_pages_are_apart(self) -> None:
        own = self.admin
        if own.listen and not own.url.startswith("https:") and not is_loopback(split_address(own.listen)[0]):
            raise ValueError('admin.listen: write "127.0.0.1:8081", or admin.url as https, with a TLS proxy in front')
        if own.url and own.url == self.site.portal_url:
            raise ValueError("admin.url: write another host than site.portal_url: patients come there")
        if bool(own.issuer) != bool(own.addresses and own.client_id):
            raise ValueError("admin.issuer: write admin.client_id and admin.addresses with it, or none of them")

    @model_validator(mode="after")
    def _keeps_all_rules(self) -> "Settings":
        """What is wrong by several rules is said by all of them."""
        faults = []
        for rule in RULES:
            try:
                rule(self)
            except ValueError as error:
                faults.append(str(error))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _is_trusted(self, host: str) -> bool:
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(ip in network for network in self.smtp.trusted_networks)

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
        """The SQLite file. Raises ConfigError for another database."""
        match = re.fullmatch(r"sqlite:///(.+)", self.database.url)
        if not match:
            raise ConfigError('database.url: only SQLite is built so far; write "sqlite:///gateway.db"')
        return self.path(match[1])

    @property
    def serving_path(self) -> Path:
        """The file that whoever serves the database holds."""
        return self.database_path.with_name(self.database_path.name + ".serving")

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


RULES = (
    Settings._ways_are_safe,
    Settings._practices_differ,
    Settings._selectors_differ,
    Settings._nobody_signs_in_in_clear,
    Settings._shared_servers_show_a_word,
    Settings._directory_is_whole,
    Settings._named_people_write_for_their_practice,
    Settings._admin_pages_are_apart,
)
"""What must be so between several keys; each raises ValueError, a line that names its key."""


def _stamp(header: str) -> Stamp | None:
    return Stamp(*header.split(": ")) if header else None


def _practice_id(practice: PracticeSection) -> str:
    return practice.id or re.sub(r"[^a-z0-9]+", "-", practice.name.casefold()).strip("-")
