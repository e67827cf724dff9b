"""The tables of the settings file together, from the file and the environment.

Every key may also be given as `GATEWAY_SECTION__KEY`, lists and tables as JSON; the environment wins. An unknown key
is an error.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.environment import leave_out
from gateway.config.section_admin import AdminSection
from gateway.config.section_audit import AuditSection
from gateway.config.section_backup import BackupSection, LedgerSection
from gateway.config.section_balancer import BalancerSection
from gateway.config.section_database import DatabaseSection
from gateway.config.section_directory import DirectorySection, RelaySection
from gateway.config.section_dkim import DkimSection
from gateway.config.section_dns import DnsSection
from gateway.config.section_keys import KeysSection
from gateway.config.section_log import LogSection
from gateway.config.section_objects import ObjectsSection
from gateway.config.section_smtp import SmtpSection
from gateway.config.section_telemetry import TelemetrySection
from gateway.config.sections import (
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


class Tables(BaseSettings):
    """What a settings file has, each table by itself."""

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
    objects: ObjectsSection = ObjectsSection()
    retention: RetentionSection = RetentionSection()
    audit: AuditSection = AuditSection()
    portal: PortalSection = PortalSection()
    scan: ScanSection = ScanSection()
    balancer: BalancerSection = BalancerSection()
    metrics: MetricsSection = MetricsSection()
    telemetry: TelemetrySection = TelemetrySection()
    keys: KeysSection = KeysSection()
    backup: BackupSection = BackupSection()
    ledger: LedgerSection = LedgerSection()
    mailbox: MailboxSection = MailboxSection()
    admin: AdminSection = AdminSection()
    log: LogSection = LogSection()

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
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = leave_out(env_settings.env_vars)
        return env_settings, init_settings
