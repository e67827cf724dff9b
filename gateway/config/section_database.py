"""The settings of the database."""

from typing import Annotated

from pydantic import Field

from gateway.config.kinds import DatabaseUrl
from gateway.config.section import Section


class DatabaseSection(Section):
    """Where everything is kept: a file of SQLite's, or a PostgreSQL server, from which many gateways may serve."""

    url: DatabaseUrl = Field(
        default="sqlite:///gateway.db",
        description="three slashes: beside this file; four: absolute; or of a server, which may have several hosts",
        examples=["postgresql://gateway@db1.riverside.example,db2.riverside.example/gateway"],
    )
    password_file: str = Field(default="", description="the server's password, where the URL has none")
    node: str = Field(
        default="",
        description="how this gateway is told from others that serve from the same server; empty: the machine's name",
        examples=["gateway-1"],
    )
    connections: Annotated[int, Field(ge=2, le=200)] = Field(
        default=8, description="how many each of its processes keeps to the server, and one more to hear of new mail"
    )
