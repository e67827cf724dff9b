"""The settings of the administrator's pages."""

from typing import Literal

from pydantic import Field

from gateway.config.kinds import HostPort, Issuer, MailAddress, WebAddress
from gateway.config.section import Section


class AdminSection(Section):
    """The administrator's pages, on a listener of their own: `gateway admin link` lets one in."""

    listen: HostPort | Literal[""] = Field(
        default="",
        description="address and port; empty: there are no such pages. Keep it on a loopback address, such as "
        "127.0.0.1:8081, and come to it by ssh -L or through a TLS proxy",
    )
    url: WebAddress | Literal[""] = Field(
        default="",
        description="where administrators reach it through a TLS proxy, which has to let in only them; empty: at "
        "admin.listen itself",
    )
    addresses: list[MailAddress] = Field(
        default=[],
        description="who may sign in by OpenID Connect; everybody else needs a link from the command line",
    )
    issuer: Issuer | Literal[""] = Field(
        default="", description="the OpenID provider, as it writes itself; empty: none"
    )
    client_id: str = Field(default="", description="this gateway's, at the provider; redirect URI: url/admin/back")
    client_secret_file: str = Field(default="", description="a file that holds the client's secret")
    claim: str = Field(default="email", description="which of the provider's claims holds a person's address")
    verified_claim: str = Field(
        default="email_verified", min_length=1, description="which of them says that it has been verified"
    )
    ca_file: str = Field(default="", description="a CA bundle to trust instead of the system's")
