"""How pages look: one style sheet in a practice's colour, and scripts that stand within the page.

A page costs two requests: itself and the style sheet, which browsers keep. Scripts are short and optional, so they
stand in the page; the policy names them by their hash. A practice's logo comes in the page as well.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from markupsafe import Markup

from gateway.domain import colour
from gateway.domain.site import Practice, Site

_FOLDER = files("gateway.portal").joinpath("static")
SHEETS = ("base.css", "page.css", "forms.css", "mail.css", "account.css", "senders.css", "print.css")
"""The parts of the style sheet, in their order."""
SCRIPTS = {
    name.removesuffix(".js"): Markup(_FOLDER.joinpath(name).read_text("utf-8"))  # noqa: S704 - our own files
    for name in sorted(one.name for one in _FOLDER.iterdir())
    if name.endswith(".js")
}
"""By name: what a page puts between `<script>` and `</script>`, octet for octet."""
SCRIPT_SOURCES = " ".join(
    f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in SCRIPTS.values()
)
"""For the policy: these scripts and no others (CSP 3 §2.3.1)."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a page's frame shows; `logo` is empty, or a picture as a `data:` URL."""

    name: str
    logo: str
    style: str
    """Where its style sheet is."""
    scripts: dict[str, Markup]


def look_of(site: Site, practice_id: str = "") -> Look:
    """The look of a practice's pages; without one, of the only practice that there is, or else the site's own."""
    known = [one for one in site.practices if one.id == practice_id or len(site.practices) == 1]
    if not known:
        return Look(site.name, "", f"/static/portal.css?v={_version('')}", SCRIPTS)
    practice = known[0]
    chosen = f"&practice={quote(practice.id)}" if practice.colour else ""
    style = f"/static/portal.css?v={_version(practice.colour)}{chosen}"
    return Look(practice.name if practice_id else site.name, practice.logo, style, SCRIPTS)


def style_sheet(practice: Practice | None = None) -> bytes:
    """The style sheet, in a practice's own colour."""
    return _style_sheet(practice.colour if practice else "")


@cache
def _style_sheet(chosen: str) -> bytes:
    parts = [_FOLDER.joinpath(name).read_text("utf-8") for name in SHEETS]
    if chosen:
        light, dark = colour.on_light(chosen), colour.on_dark(chosen)
        parts.append(f":root{{--own:{light}}}@media (prefers-color-scheme:dark){{:root{{--own:{dark}}}}}\n")
    return "".join(parts).encode()


def _version(chosen: str) -> str:
    return hashlib.sha256(_style_sheet(chosen)).hexdigest()[:12]
