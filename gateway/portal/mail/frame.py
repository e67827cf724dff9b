"""A message's HTML in a frame of its own: a document within the page, which can reach nothing around it.

The frame runs no script (`sandbox`), and has a policy of its own besides; what html.py let through is looked at by the
browser a second time. It keeps the page's origin, because its own pictures are fetched with the reader's session.
"""

import hashlib
from base64 import b64encode
from html import escape
from importlib.resources import files
from typing import Final

from gateway.portal.mail.meaning import style

STYLE: Final = files("gateway.portal").joinpath("static", "frame.css").read_text("utf-8") + style()
STYLE_SOURCE: Final = f"'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""For the policy of the page around it, which holds in the frame too (CSP 3 §7.8)."""


def document(html: str, language: str, *, remote: bool) -> str:
    """The whole document for `srcdoc`; the HTML has been made safe. `remote`: pictures may come from elsewhere."""
    pictures = "'self' data: https:" if remote else "'self' data:"
    policy = f"default-src 'none'; img-src {pictures}; style-src {STYLE_SOURCE}"
    return (
        f'<!doctype html><html lang="{escape(language)}" dir="auto"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f'<base target="_blank"><style>{STYLE}</style></head><body>{html}</body></html>'
    )
