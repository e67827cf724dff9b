"""The forms in which a mail's head leaves: as it came, and as secure mail."""

from gateway.flow.inbound.understand import IncomingMail
from gateway.mail import headers


def clear_form(incoming: IncomingMail, trace: str) -> bytes:
    """The opening byte for byte under our trace field (RFC 5321 §4.4); but for stamps, where the site has one."""
    return headers.prepend(headers.retold(incoming.opening, incoming.stamps), trace, incoming.stamp)


def secure_form(incoming: IncomingMail, trace: str) -> bytes:
    """The opening as its readers get it: without what is theirs not to see, from its first field on."""
    changes = sorted((*incoming.blemishes, *incoming.stamps), key=lambda change: change[0].start)
    return headers.prepend(headers.retold(incoming.opening, changes)[incoming.head.start :], trace)
