"""Taking one's own data along, and erasing one's account."""

import asyncio
import io
import itertools
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from gateway.domain.acts import Act
from gateway.domain.model import Account
from gateway.errors import WrongKey
from gateway.flow.accounts import account as accounts
from gateway.flow.context import Context
from gateway.flow.inbox import messages
from gateway.flow.inbox.lines import Line
from gateway.flow.inbox.messages import OpenedMessage
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
    for name, list_ids, open_one in _MESSAGES:
        for row_id in await visit.desk.ask(list_ids, account):
            try:
                opened = await visit.desk.do(open_one, account, row_id, Act.TOOK_ALONG)
                if opened:
                    listed.append(Listed(f"{name}-{row_id}.eml", opened.line))
                    async for _ in _added(file, visit.portal, listed[-1].file, opened):
                        yield
            except WrongKey:
                visit.portal.tell_unopened("/profile/download", [row_id])
                file.writestr(f"{name}-{row_id}-damaged.txt", DAMAGED)


_MESSAGES: tuple[tuple[str, Callable[[Context, Account], list[int]], Callable[..., OpenedMessage | None]], ...] = (
    ("message", accounts.inbox_copies, messages.open_message),
    ("sent", accounts.own_messages, messages.own_message),
)
"""What each kind of message is called in the archive, which there are, and how one is opened."""


async def _added(file: zipfile.ZipFile, portal: Portal, name: str, opened: OpenedMessage) -> AsyncIterator[None]:
    """A message as it came; stops after each chunk, so that what was written can be sent."""
    stored = portal.content.chunks(opened.content.id, opened.content.inline, opened.data_key)
    chunks = itertools.chain(filter(None, (opened.addressed,)), stored)
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
