"""The settings of the audit."""

from pydantic import Field

from gateway.config.kinds import HeadsPlace
from gateway.config.section import Section


class AuditSection(Section):
    """Who did what: how long that is kept, retention.audit says."""

    heads_to: HeadsPlace = Field(
        default="",
        description="each day the head of the audit's chain goes to this address, or into this file, which should lie "
        "where nobody who runs the gateway can change it; empty: nowhere",
        examples=["auditor@riverside.example"],
    )
