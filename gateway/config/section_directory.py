"""Who has a secure mailbox elsewhere, and the site's directory of people."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.kinds import DirectoryAddress, Domain, Duration, HostPort
from gateway.config.section import Section


def _filter(text: str) -> str:
    if "{address}" not in text or text.count("(") != text.count(")") or not text.startswith("("):
        raise ValueError('write an LDAP filter with {address} in it, for example "(mail={address})"')
    return text


class RelaySection(Section):
    """A domain whose own mail system is secure: secure mail for it goes there, over verified TLS only."""

    domain: Domain = Field(description="the recipients' domain", examples=["hospital.example"])
    address: HostPort = Field(description="its mail server", examples=["mx.hospital.example:25"])
    tls: Literal["verified"] = Field(default="verified", description="its certificate must be valid for that host")
    who: Literal["everybody", "directory"] = Field(
        default="everybody",
        description='who has a mailbox there; "directory": only those of whom the directory says so',
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")


class DirectorySection(Section):
    """A directory (LDAP, Active Directory) that says who is a colleague, and who has a secure mailbox of their own."""

    url: DirectoryAddress | Literal[""] = Field(
        default="",
        description="where it listens; ldap:// is made TLS by STARTTLS; empty: there is none",
        examples=["ldaps://dc.hospital.example"],
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")
    bind_dn: str = Field(default="", description="whom to sign in as; empty: nobody (anonymous)")
    password_file: str = Field(default="", description="a file that holds the password")
    base: str = Field(default="", description="where to look", examples=["dc=hospital,dc=example"])
    filter: Annotated[str, AfterValidator(_filter)] = Field(
        default="(|(mail={address})(proxyAddresses=smtp:{address}))", description="how an address is found"
    )
    domains: list[Domain] = Field(
        default=[],
        description="of whose addresses it is asked; empty: those of the practices, and of relays that ask it",
    )
    name_attribute: str = Field(default="displayName", description="has a person's name")
    role_attribute: str = Field(
        default="", description="says what somebody does, such as employeeType; empty: it does not, see role"
    )
    clinicians: list[str] = Field(default=[], description="the values of role_attribute that mean a clinician")
    staff: list[str] = Field(default=[], description="the values of role_attribute that mean staff")
    role: Literal["", "clinician", "staff"] = Field(
        default="", description="of those of whom role_attribute says nothing; empty: their sender is asked"
    )
    practice_attribute: str = Field(
        default="", description="has the id or the name of somebody's practice; see also practices.directory_base"
    )
    secure_mail_attribute: str = Field(
        default="", description='is there, and not "FALSE", for whoever has a mailbox in the relay of their domain'
    )
    cache: Duration = Field(
        default=timedelta(hours=1), description="how long an answer is good without asking again", examples=["1h"]
    )
    stale: Duration = Field(
        default=timedelta(hours=24),
        description="how long an answer is good while the directory is down; without one, secure mail waits (451)",
        examples=["24h"],
    )
    timeout: Annotated[int, Field(ge=1, le=60)] = Field(default=5, description="seconds to wait for an answer")
