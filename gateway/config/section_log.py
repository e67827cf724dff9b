"""The settings of the log."""

from pydantic import Field

from gateway.config.section import Section


class LogSection(Section):
    """The lines on standard error; they never hold what a mail says."""

    hash_addresses: bool = Field(
        default=False,
        description="false: a line names people by their domain alone; true: by a short keyed digest of their address, "
        "so that one person's mails can be followed; `gateway trace DIGEST` finds them",
    )
