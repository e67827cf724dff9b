"""Slips in the domain of an address, where a well-known mail provider is almost named: gmial.com."""

from difflib import get_close_matches

from gateway.domain.address import Address

_NATIONAL = {
    "hotmail": "com co.uk fr de es it be nl se no dk ch",
    "yahoo": "com co.uk fr de es it ca com.au com.br co.in ie",
    "outlook": "com fr de es it be com.br ie",
    "live": "com co.uk fr de it nl be ca com.au ie",
    "gmx": "com de net at ch fr es",
}
_OTHERS = """
    gmail.com googlemail.com icloud.com me.com mac.com aol.com msn.com mail.com email.com ymail.com rocketmail.com
    proton.me protonmail.com pm.me fastmail.com fastmail.fm hey.com zoho.com tutanota.com tuta.io posteo.de
    mailbox.org web.de t-online.de freenet.de arcor.de online.de bluewin.ch hispeed.ch orange.fr wanadoo.fr
    free.fr laposte.net sfr.fr neuf.fr libero.it virgilio.it tiscali.it alice.it terra.es telefonica.net
    btinternet.com sky.com virginmedia.com talktalk.net ntlworld.com blueyonder.co.uk tiscali.co.uk comcast.net
    verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net shaw.ca rogers.com
    sympatico.ca telus.net bigpond.com optusnet.com.au xtra.co.nz ziggo.nl kpnmail.nl telenet.be skynet.be
    yandex.ru yandex.com mail.ru qq.com 163.com 126.com naver.com nhs.net eircom.net
"""
PROVIDERS = frozenset(
    [f"{name}.{ending}" for name, endings in _NATIONAL.items() for ending in endings.split()] + _OTHERS.split()
)
"""Where many people have their mail: none of these is ever a slip."""
_LONG = tuple(sorted(name for name in PROVIDERS if len(name.partition(".")[0]) >= 5))
"""Those whose name is too long to be like another one by chance."""
_ALIKE = 0.88
"""One letter wrong, left out, doubled or swapped in a domain of eight or more."""


def meant(who: Address) -> str:
    """The address with the provider's name put right; "" where there is no such slip."""
    local, _, domain = who.typed.rpartition("@")
    if who.domain in PROVIDERS:
        return ""
    alike = get_close_matches(who.domain, _LONG, n=1, cutoff=_ALIKE)
    return f"{local}@{alike[0]}" if alike and domain else ""
