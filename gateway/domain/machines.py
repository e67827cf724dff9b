"""Addresses that write and are never read, by how they are called: `noreply@`, `do-not-reply@`, `ehr.noreply@` …"""

import re

from gateway.domain.address import Address

_NEVER_READ = re.compile(
    r"(?:no|do ?not|dont|never|kein|nicht) ?(?:reply|respon[ds]|answer|antwort(?:en)?)|keine ?antwort"
    r"|ne ?pas ?repondre|sans ?reponse|no ?(?:responder|contestar|responda)",
)
_MAILERS = frozenset({"mailer", "daemon", "mailerdaemon", "autoresponder", "automailer", "mailbot"})
_BETWEEN = re.compile(r"[-_.+=]+|\d+")


def is_never_read(address: Address) -> bool:
    """Whether the address says of itself that nobody reads mail to it."""
    words = _BETWEEN.sub(" ", address.local.lower()).strip()
    return bool(_NEVER_READ.search(words)) or not _MAILERS.isdisjoint(words.split()) or words == "mailer daemon"
