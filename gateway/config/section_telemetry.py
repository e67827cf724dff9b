"""The settings of traces."""

from typing import Literal

from pydantic import Field

from gateway.config.kinds import CollectorAddress
from gateway.config.section import Section


class TelemetrySection(Section):
    """Traces for a tracing system (OpenTelemetry): what was done, when and for how long, never for whom."""

    endpoint: CollectorAddress | Literal[""] = Field(
        default="",
        description="the collector's address for OTLP over HTTP, such as http://collector:4318; needs the extra "
        "secure-mail-gateway[otel]; empty: no traces",
    )
