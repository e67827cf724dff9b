"""Taking one's own data along, and erasing one's account."""

import asyncio
import io
import json
import zipfile
from datetime import datetime
from typing import Any

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow import account as accounts
from gateway.flow import release
from gateway.flow.release import Opened
from gateway.portal.account.forms import OwnPasswordForm
from gateway.portal.account.profile import is_own
from gateway.portal.cookies import SESSION
from gateway.portal.form import REFUSED
from gateway.portal.visit import Portal, Visit, go_to

README = """What you have here is yours: your account, and every message in your inbox as it came.
account.json can be read with any text editor; the .eml files open with any mail program.
"""


async def download(visit: Visit, account: Account) -> Response:
    """One file with all that the person has here, the latest messages first, up to what one upload may hold."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", README)
        file.writestr("account.json", json.dumps(_facts(account), indent=2, ensure_ascii=False))
        for copy_id in await visit.desk.ask(accounts.inbox_copies, account):
            opened = await visit.desk.do(release.open_message, account, copy_id)
            if opened:
                await asyncio.to_thread(_add, file, visit.portal, opened)
    headers = {"content-type": "application/zip", "content-disposition": 'attachment; filename="my-messages.zip"'}
    return Response(archive.getvalue(), headers=headers)


async def erase(visit: Visit, account: Account) -> Response:
    """GET says what is lost, and asks for the password; POST erases."""
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_own(visit, account, form, "password"):
        await visit.desk.do_at_length(accounts.erase, account)
        response = go_to("/sign-in?done=erased")
        visit.portal.cookies.take_back(response, SESSION)
        return response
    return visit.show("account/erase", {"form": form}, status=REFUSED if form.wrong else 200)


def _facts(account: Account) -> dict[str, Any]:
    shown = ("typed", "name", "practice_name", "practice_phone", "practice_address", "language", "created_at")
    values = {name: getattr(account, name) for name in shown}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _add(file: zipfile.ZipFile, portal: Portal, opened: Opened) -> None:
    """A message as it came, piece by piece: only what is compressed stays in memory."""
    with file.open(f"message-{opened.line.copy_id}.eml", "w") as entry:
        for chunk in portal.content.chunks(opened.content.id, opened.content.inline, opened.data_key):
            entry.write(chunk)
