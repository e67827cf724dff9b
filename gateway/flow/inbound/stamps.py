"""Two fields of a mail's head by which the practice's mail server and we know each other's mail.

`smtp.tenant_header` is written by that server, with a secret word: where it shares its addresses with others, only so
do we know its mail. `smtp.processed_header` is written by us, so that the server knows which mail has been here. It has
a word of its own, how often the mail has been here, and a keyed digest that binds this to the Message-ID and to how the
mail was marked: copied to another mail, it is forged, and where somebody has marked the mail since, it is judged anew.
Whatever stands in either field when a mail comes in is taken out.
"""

import hmac
import re
from dataclasses import replace

from gateway.domain.intent import Sign
from gateway.domain.site import Site
from gateway.errors import CameBack
from gateway.flow.inbound.understand import IncomingMail
from gateway.mail.parse import Head
from gateway.mail.secure_mark import Marked
from gateway.ports import Keys

MOST_ROUNDS = 1
"""How often a mail may come back that has been here: a server that sends it back for ever is told so."""
_OURS = re.compile(r"(\w+); round=(\d); mac=([0-9a-f]{32})")


def field(site: Site, keys: Keys, message_id: str, rounds: int = 0, sign: Sign | None = None) -> str:
    """Our stamp for a mail that leaves by the next hop; "" where the site has none. Without a sign, it is our own."""
    if site.stamp is None:
        return ""
    said = f"{site.stamp.word}; round={rounds + 1}; mac={_mac(keys, message_id, rounds + 1, sign)}"
    return f"{site.stamp.name}: {said}\r\n"


def stamped(site: Site, keys: Keys, incoming: IncomingMail) -> IncomingMail:
    """The mail with its stamps out, and ours for when it leaves; what has been here passes.

    Raises CameBack for what has been here too often.
    """
    names = {one.name.lower() for one in (site.stamp, site.tenant) if one}
    if not names:
        return incoming
    sign = incoming.marks.sign
    rounds = _rounds(site, keys, incoming) if incoming.submission.trusted else 0
    if rounds > MOST_ROUNDS:
        raise CameBack
    return replace(
        incoming,
        stamps=tuple((one, None) for one in incoming.head.fields if one.name in names),
        stamp=field(site, keys, incoming.message_id, rounds, sign),
        marks=Marked(Sign.PROCESSED) if rounds else incoming.marks,
    )


def shows_word(site: Site, head: Head) -> bool:
    """Whether the practice's own mail server has sent it: nobody else knows the word."""
    word = site.tenant.word.encode() if site.tenant else b""
    said = head.all(site.tenant.name) if site.tenant else ()
    return any(hmac.compare_digest(one.encode(), word) for one in said)


def _rounds(site: Site, keys: Keys, incoming: IncomingMail) -> int:
    """How often it has been here, as its stamps show; without a Message-ID nothing could bind them to it."""
    stands = incoming.head.all(site.stamp.name) if site.stamp and incoming.message_id else ()
    found = [(int(one[2]), one[3]) for one in map(_OURS.fullmatch, stands) if one]
    return max((rounds for rounds, mac in found if _is_genuine(keys, incoming, rounds, mac)), default=0)


def _is_genuine(keys: Keys, incoming: IncomingMail, rounds: int, mac: str) -> bool:
    signs = (incoming.marks.sign, None)
    return any(hmac.compare_digest(mac, _mac(keys, incoming.message_id, rounds, sign)) for sign in signs)


def _mac(keys: Keys, message_id: str, rounds: int, sign: Sign | None) -> str:
    return keys.digest("stamp", f"{rounds}\0{sign.name if sign else ''}\0{message_id}".encode()).hex()[:32]
