"""The style sheet of the administrator's pages: the portal's, and what only they need."""

import hashlib
from functools import cache
from importlib.resources import files

from gateway.portal.look import style_sheet

_OWN = files("gateway.portal").joinpath("static").joinpath("admin.css")


@cache
def sheet() -> bytes:
    return style_sheet() + _OWN.read_bytes()


SHEET_PATH = f"/admin/static/admin.css?v={hashlib.sha256(sheet()).hexdigest()[:12]}"
"""Its address names the version: browsers may keep it for ever."""
