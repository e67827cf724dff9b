"""Answering a meeting: to whoever asked, and to nobody else on a stranger's word."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Message
from gateway.flow.inbox import messages
from gateway.flow.inbox.messages import Written
from gateway.mail.compose import written
from gateway.mail.meetings import ANSWERS, Person, answer
from gateway.portal.form import one_line
from gateway.portal.mail.reading import may_answer, open_message, show_message
from gateway.portal.mail.sending import message_id, seal_and_send
from gateway.portal.visit import Visit, go_to

_LONGEST = 300


async def say_whether(visit: Visit, account: Account) -> Response:
    """POST: the organiser hears whether the reader comes, in words of the page; the same form says it once."""
    opened, said = await open_message(visit, account), visit.typed("answer")
    meeting = (await show_message(visit, opened)).meeting
    if said not in ANSWERS or meeting is None or not may_answer(opened, meeting):
        raise HTTPException(404)
    now, subject = visit.desk.clock.now(), one_line(visit.typed("subject"))[:_LONGEST]
    header_id = message_id(visit, account, [visit.typed("writing"), said, meeting.uid])
    calendar = answer(meeting, Person(account.name, account.typed), said, now)
    words = (opened.author_address, subject, visit.typed("body")[:_LONGEST], ())
    pieces = written(account.name, account.typed, *words, header_id, now, opened.header_id, calendar)

    async def send(message: Written) -> Message | None:
        return await visit.desk.do(messages.reply, account, opened.line.copy_id, message)

    await seal_and_send(visit, pieces, (subject, header_id, False), send)
    return go_to(f"/messages/{opened.line.copy_id}?done={said}")
