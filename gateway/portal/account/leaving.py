"""Taking one's own data along, and erasing one's account."""

import asyncio
import io
import itertools
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from gateway.domain.model import Account, Content
from gateway.errors import WrongKey
from gateway.flow import account as accounts
from gateway.flow import release
from gateway.flow.lines import Line
from gateway.portal.account.forms import OwnPasswordForm
from gateway.portal.account.proving import asked_of, is_proved
from gateway.portal.cookies import SESSION
from gateway.portal.form import REFUSED
from gateway.portal.visit import Portal, Visit, go_to

README = """What you have here is yours: your account, every message in your inbox as it came, and what you sent.
index.html is a list of them for any browser; account.json can be read with any text editor; the .eml files open
with any mail program.
"""
DAMAGED = "This message was damaged where it is kept, so that it cannot be opened, or not to its end.\n"
"""What stands beside such a message, or in its place."""


async def download(visit: Visit, account: Account) -> Response:
    """GET asks for the password; POST gives one file with all that the person has here, made while it is sent."""
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if not visit.posted or not await is_proved(visit, account, form):
        facts = {"form": form, "proof": await asked_of(visit, account)}
        return visit.show("account/download", facts, status=REFUSED if form.wrong else 200)
    await visit.desk.do(accounts.note_download, account)
    headers = {"content-disposition": 'attachment; filename="my-messages.zip"'}
    return StreamingResponse(archive(visit, account), headers=headers, media_type="application/zip")


async def erase(visit: Visit, account: Account) -> Response:
    """GET says what is lost, and asks for the password; POST erases."""
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_proved(visit, account, form):
        await visit.desk.do_at_length(accounts.erase, account)
        response = go_to("/sign-in?done=erased")
        visit.portal.cookies.take_back(response, SESSION)
        return response
    facts = {"form": form, "proof": await asked_of(visit, account)}
    return visit.show("account/erase", facts, status=REFUSED if form.wrong else 200)


def _facts(account: Account) -> dict[str, Any]:
    shown = ("typed", "name", "practice_name", "practice_phone", "practice_address", "language", "created_at")
    values = {name: getattr(account, name) for name in shown}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


async def archive(visit: Visit, account: Account) -> AsyncIterator[bytes]:
    """The file, piece by piece: nothing of it is kept, in memory or on a disk."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", README)
        file.writestr("account.json", json.dumps(_facts(account), indent=2, ensure_ascii=False))
        listed: list[Listed] = []
        async for _ in _every_message(visit, account, file, listed):
            yield pipe.take()
        facts = {"listed": listed, "who": account.typed, "lang": visit.language()}
        page = await asyncio.to_thread(visit.portal.pages.page, "account/archive", visit.language(), facts)
        file.writestr("index.html", page)
    yield pipe.take()


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in the list of all: `file` is its name in the archive."""

    file: str
    line: Line


async def _every_message(
    visit: Visit, account: Account, file: zipfile.ZipFile, listed: list[Listed]
) -> AsyncIterator[None]:
    """Add what lies in the inbox, then what was sent; one altered row does not cost the others."""
    for copy_id in await visit.desk.ask(accounts.inbox_copies, account):
        try:
            opened = await visit.desk.do(release.open_message, account, copy_id, "took along")
            if opened:
                listed.append(Listed(f"message-{copy_id}.eml", opened.line))
                async for _ in _added(
                    file, visit.portal, listed[-1].file, opened.addressed, opened.content, opened.data_key
                ):
                    yield
        except WrongKey:
            visit.portal.tell_unopened("/profile/download", [copy_id])
            file.writestr(f"message-{copy_id}-damaged.txt", DAMAGED)
    for message_id in await visit.desk.ask(accounts.own_messages, account):
        try:
            own = await visit.desk.do(release.own_message, account, message_id, "took along")
            if own:
                line, content, key = own
                listed.append(Listed(f"sent-{message_id}.eml", line))
                async for _ in _added(file, visit.portal, listed[-1].file, b"", content, key):
                    yield
        except WrongKey:
            visit.portal.tell_unopened("/profile/download", [message_id])
            file.writestr(f"sent-{message_id}-damaged.txt", DAMAGED)


async def _added(
    file: zipfile.ZipFile, portal: Portal, name: str, addressed: bytes, content: Content, key: bytes
) -> AsyncIterator[None]:
    """A message as it came; stops after each chunk, so that what was written can be sent."""
    chunks = itertools.chain(filter(None, (addressed,)), portal.content.chunks(content.id, content.inline, key))
    with file.open(name, "w") as entry:
        while chunk := await asyncio.to_thread(next, chunks, b""):
            await asyncio.to_thread(entry.write, chunk)
            yield


class _Pipe(io.RawIOBase):
    """What zipfile writes to, and what is taken out again: it cannot go back (APPNOTE.TXT 4.4.4, bit 3)."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, octets: Any, /) -> int:
        self._written.append(bytes(octets))
        return len(octets)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken
