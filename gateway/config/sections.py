"""The tables of the settings file: every key, typed, with its help."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.config.kinds import (
    Colour,
    Day,
    Delegate,
    Domain,
    Duration,
    HeaderLine,
    Host,
    HostPort,
    Issuer,
    MailAddress,
    MailDomain,
    Name,
    Network,
    PracticeId,
    ScannerPlace,
    SubjectTag,
    TokenAddress,
    WebAddress,
    ZoneName,
)
from gateway.config.section import Section
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


class SiteSection(Section):
    """Who runs this gateway, and where people find it."""

    name: Name = Field(description="what people read as the sender of our mails", examples=["Riverside Secure Mail"])
    domain: MailDomain = Field(
        description="bot@, reply+…@ and bounce+…@ live here; mail for it must reach smtp.listen",
        examples=["secure.riverside.example"],
    )
    portal_url: WebAddress = Field(
        description="where people reach the portal; https, but for a trial on one machine",
        examples=["https://secure.riverside.example"],
    )
    timezone: ZoneName = Field(
        description="days are counted, and hours meant, in this zone", examples=["Europe/London"]
    )
    templates: str = Field(
        default="", description="a folder whose files stand in for ours of the same name, such as mail/invitation.j2"
    )
    postmaster: MailAddress | Literal[""] = Field(
        default="", description="who gets mail to postmaster@ the domain; empty: the first practice's postmaster"
    )


class PracticeSection(Section):
    """A clinic whose people send through this gateway; one table for each."""

    several_lines: ClassVar[frozenset[str]] = frozenset({"emergency"})

    id: PracticeId | Literal[""] = Field(
        default="",
        description="mail is kept under it: never change it, even if the name changes; made from the name if left out",
        examples=["riverside"],
    )
    name: Name = Field(description="as patients know it", examples=["Riverside Family Practice"])
    domains: list[Domain] = Field(
        default=[], description="all addresses in these domains write for it", examples=[["riverside.example"]]
    )
    senders: list[MailAddress] = Field(default=[], description="exact addresses, where a domain is shared")
    language: Literal["en", "es", "fr", "de"] = Field(
        default="en", description="of the mails to its senders and those they invite: en, es, fr or de"
    )
    date_order: Literal["", "dmy", "mdy"] = Field(
        default="", description='how its senders write 09/07/1941: "dmy" or "mdy"; empty: they are asked each time'
    )
    colour: Colour | Literal[""] = Field(
        default="", description="the colour of its pages; one that is hard to read is made darker or lighter"
    )
    logo: str = Field(
        default="", description="a picture for its pages' head, 28 pixels high: SVG or PNG of at most 20 KB"
    )
    managers: list[MailAddress] = Field(
        default=[], description="who sees, on their own page, how far all of the practice's invitations come"
    )
    delegates: list[Delegate] = Field(
        default=[],
        description='who may act for whom, as "assistant@riverside.example for ada@riverside.example"',
    )
    fallback: MailAddress | Literal[""] = Field(
        default="",
        description="who is asked and told, and may answer, where the sender is a machine (noreply@) or mail to them "
        "does not arrive; empty: the managers",
    )
    directory_base: str = Field(
        default="", description="where the directory has its people, who then work for it; longer ones come first"
    )
    machines: list[MailAddress] = Field(
        default=[], description="senders that nobody reads mail for, such as a records system; noreply@ is known as one"
    )
    emergency: str = Field(
        default="",
        description="what is said to whoever answers an invitation by mail, which nobody may read in time; "
        'such as "In an emergency call 999."; empty: to call the local emergency number',
    )


class OpenIdSection(Section):
    """A practice's own sign-in (OpenID Connect), by which its people reach their page without a link from a mail."""

    practice: str = Field(description="the id of the practice", examples=["riverside"])
    issuer: Issuer = Field(
        description="as the provider writes it; https, but for a trial on one machine",
        examples=["https://login.microsoftonline.com/TENANT/v2.0"],
    )
    client_id: str = Field(
        description="this gateway's, at the provider; its redirect URI is portal_url/staff/practice id/back",
        examples=["6731de76-14a6-49ae-97bc-6eba6914391e"],
    )
    client_secret_file: str = Field(default="", description="a file that holds the client's secret")
    claim: str = Field(default="email", description="which of the provider's claims holds a person's address")
    verified_claim: Annotated[str, Field(min_length=1)] = Field(
        default="email_verified",
        description="which of them says that it has been verified, without which nobody is let in; "
        'for Microsoft Entra "xms_edov"',
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")


class SecureMailSection(Section):
    """Which mail is secure."""

    mode: Literal["serve", "observe"] = Field(
        default="serve",
        description='"observe": all mail passes, and a daily report to the postmaster says what would be done',
    )
    when: Literal["marked", "always"] = Field(default="marked", description='"marked" or "always"')
    subject_tag: SubjectTag = Field(
        default="[secure]", description='the mark in a subject; "[secure …details…]" carries details'
    )
    more_tags: list[SubjectTag] = Field(
        default=["[seguro]", "[sécurisé]", "[sicher]"], description="other tags that mark as subject_tag does"
    )
    headers: list[HeaderLine] = Field(
        default=["X-Secure: yes", "Sensitivity: Company-Confidential"],
        description='header fields that mark as well, e.g. "Sensitivity: Private", "msip_labels: <GUID or name>"',
    )
    near_miss: Literal["ask", "secure", "pass"] = Field(
        default="ask",
        description='what almost has the tag, e.g. "(secure)": its sender is asked, or it is secure, or passes',
    )
    encrypted: Literal["pass", "refuse"] = Field(
        default="pass", description="what its sender has encrypted already: it passes, without the tag, or is refused"
    )
    exempt: list[MailAddress] = Field(
        default=[], description="archives to which journal reports pass, whatever they quote"
    )
    keep_days: Annotated[int, Field(ge=0, le=36500)] = Field(
        default=0, description="a message is destroyed so many days after it came into an inbox; 0: never"
    )
    open_receipts: bool = Field(
        default=True,
        description="whether who asks for a read receipt (Disposition-Notification-To) gets one at the first opening",
    )
    read_receipts: bool = Field(
        default=False, description="whether senders may ask which of their messages have been read (READ)"
    )


class NextHopSection(Section):
    """The mail server that takes our mail on."""

    address: HostPort = Field(description="host and port", examples=["127.0.0.1:2526"])
    tls: Literal["verified", "opportunistic", "none"] = Field(
        default="verified",
        description='"opportunistic" or "none" only for a loopback address or one in smtp.trusted_networks',
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")
    username: str = Field(default="", description="to sign in with, if it asks for that")
    password_file: str = Field(default="", description="a file that holds the password")
    tls_cert: str = Field(
        default="", description="our own certificate chain (PEM), for a server that knows us by it, as Microsoft's does"
    )
    tls_key: str = Field(default="", description="its key (PEM)")


class InvitationsSection(Section):
    """The days and counts of an invitation's life."""

    reminder_days: list[Day] = Field(default=[3, 15, 30], description="days after the invitation")
    expire_after_days: Day = Field(default=30, description="an invitation ends with this day")
    birthdate_attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="this many wrong birthdates cancel an invitation"
    )
    reminder_hour: Annotated[int, Field(ge=0, le=23)] = Field(default=9, description="local hour of all timed mail")
    lapse_after_days: Day = Field(
        default=7, description="a sender who has not said by then who the stranger is: the mail is destroyed"
    )
    grace_days: Day = Field(
        default=30, description="how long mail is kept when an invitation expired, was locked or could not be delivered"
    )
    grace_after_outage: Duration = Field(
        default=timedelta(hours=24),
        description="after an outage of more than an hour, what would have ended meanwhile is asked about again and "
        "kept for so long",
        examples=["24h"],
    )


class RetentionSection(Section):
    """How long things are kept that nobody asks for; messages in inboxes are kept as secure_mail.keep_days says."""

    sent: Day = Field(default=30, description="days for which it is known to whom a mail was sent, and how that went")
    traces: Day = Field(
        default=180,
        description="days for which it is known that there was a message, or an invitation, that is destroyed or came "
        "to nothing; an answer in its conversation is known as secure for so long",
    )
    audit: Annotated[int, Field(ge=1, le=36500)] = Field(
        default=2192, description="days for which the audit is kept: six years; many laws ask for that"
    )
    orphans: Day = Field(
        default=30, description="days for which sealed content is kept that is found and that no mail names"
    )


class PortalSection(Section):
    """The web pages."""

    listen: HostPort = Field(default="127.0.0.1:8080", description="put a TLS proxy in front of it")
    trusted_proxies: list[Network] = Field(
        default=[IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")],
        description="whose X-Forwarded-For says who the client is; write your TLS proxy's address, and no client's",
    )
    max_connections: Annotated[int, Field(ge=10)] = Field(
        default=1000, description="at the same time; beyond it, the one that got on least makes room"
    )
    max_connections_per_address: Annotated[int, Field(ge=4)] = Field(
        default=100, description="of one client address (of IPv6: of one /64) that is no trusted proxy"
    )


class ScanSection(Section):
    """Looking for viruses in files that people open or send in the portal."""

    clamd: ScannerPlace | Literal[""] = Field(
        default="",
        description="where clamd listens, as host:port or the path of its socket; empty: nothing is looked for",
    )


class MetricsSection(Section):
    """Figures for Prometheus, on a listener of their own."""

    listen: HostPort = Field(default="127.0.0.1:9090", description="address and port")


class MailboxSection(Section):
    """The bot's own mailbox, read over IMAP where mail for it is not routed to smtp.listen."""

    host: Host | Literal[""] = Field(default="", description="the IMAP server; empty: no mailbox is read")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=993, description="993 is for TLS from the start")
    username: str = Field(default="", description="to sign in with")
    password_file: str = Field(default="", description="a file that holds the password")
    token_url: TokenAddress | Literal[""] = Field(
        default="", description="for XOAUTH2 in place of a password: where tokens are asked for"
    )
    client_id: str = Field(default="", description="of the application that may read the mailbox")
    client_secret_file: str = Field(default="", description="a file that holds its secret")
    refresh_token_file: str = Field(default="", description="a file with one; empty: the client's own grant")
    scope: str = Field(default="", description="for Microsoft 365: https://outlook.office365.com/.default")
    tls: Literal["verified", "none"] = Field(
        default="verified", description='from the start; "none" only for a loopback address'
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")
    folder: str = Field(default="INBOX", description="where mail arrives")
    done_folder: str = Field(default="", description="where mail is moved that was taken in; empty: it stays, as seen")
    authserv_id: str = Field(
        default="",
        description="whose Authentication-Results are believed (RFC 8601); Exchange Online, which writes no name into "
        'them, is "mx.microsoft.com"; empty: nobody\'s',
    )


# One table of the file each, in the order of the example.
SECTIONS: dict[str, type[Section]] = {
    "site": SiteSection,
    "practices": PracticeSection,
    "relays": RelaySection,
    "openid": OpenIdSection,
    "directory": DirectorySection,
    "smtp": SmtpSection,
    "secure_mail": SecureMailSection,
    "next_hop": NextHopSection,
    "dkim": DkimSection,
    "dns": DnsSection,
    "invitations": InvitationsSection,
    "database": DatabaseSection,
    "objects": ObjectsSection,
    "retention": RetentionSection,
    "audit": AuditSection,
    "portal": PortalSection,
    "scan": ScanSection,
    "balancer": BalancerSection,
    "metrics": MetricsSection,
    "telemetry": TelemetrySection,
    "keys": KeysSection,
    "backup": BackupSection,
    "ledger": LedgerSection,
    "mailbox": MailboxSection,
    "admin": AdminSection,
    "log": LogSection,
}
OPTIONAL_TABLES = ("relays", "openid", "dkim")
TABLES = ("practices", *OPTIONAL_TABLES)
"""Of which there may be several."""
