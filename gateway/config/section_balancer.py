"""The settings for gateways behind a load balancer."""

from typing import Annotated

from pydantic import Field

from gateway.config.section import Section


class BalancerSection(Section):
    """A load balancer in front of several gateways; smtp.proxy_protocol and portal.trusted_proxies name it."""

    drain_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        default=0,
        description="how long a gateway that was told to stop serves on while /readyz answers 503, until the balancer "
        "sends nobody any more; 10 fits config/nodes/haproxy.cfg; 0: without a balancer",
    )
