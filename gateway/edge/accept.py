"""The one way in for a mail that was understood, however it came: over SMTP, from the mailbox, from a test."""

import secrets
import traceback
from collections.abc import Sequence

import structlog

from gateway.domain.decide import Verdict
from gateway.edge.run.log_names import name_of
from gateway.errors import DirectoryDown, GatewayError, NotWrittenTo, Unreadable
from gateway.flow import receive
from gateway.flow.context import Desk, Directory
from gateway.flow.inbound import directory_answers
from gateway.flow.inbound.mail_receiver import SealedForms
from gateway.flow.inbound.understand import IncomingMail

log = structlog.get_logger()

MOST_ASKED = 100
"""Of how many people the directory is asked for one mail; the others are asked about when it comes again."""


async def accept_mail(desk: Desk, incoming: IncomingMail, forms: SealedForms) -> Sequence[Verdict]:
    """Carry out what was understood, in one transaction: durable on return. Raises GatewayError."""
    if not incoming.is_heard:
        return receive.unheard(incoming)
    if desk.directory:
        await _ask_directory(desk, desk.directory, incoming)
    about = desk.concerning(receive.concerns(incoming))
    run = about.do_at_length if incoming.is_read_here else about.do  # LIST may be long
    try:
        return await run(receive.accept, incoming, forms)
    except NotWrittenTo:
        await desk.do(receive.note_refused, incoming)
        raise


async def _ask_directory(desk: Desk, directory: Directory, incoming: IncomingMail) -> None:
    """Have the directory's answers at hand that this mail depends on. Raises DirectoryDown: nothing is guessed."""
    asked = await desk.ask(directory_answers.to_ask, incoming) if _may_depend(incoming) else []
    if not asked:
        return
    said = await directory.look_up([one.who for one in asked[:MOST_ASKED]])
    if said:
        await desk.do(directory_answers.keep, said)
    if any(one.who.key not in said and not one.is_known for one in asked):
        raise DirectoryDown


def _may_depend(incoming: IncomingMail) -> bool:
    """Whether the directory could matter; most mail passes, and costs no look."""
    return incoming.depends_on_author and not incoming.passes


def new_queue_id() -> str:
    """The name under which a mail is taken in: whoever hands it in is told it, and all that it leads to bears it."""
    return secrets.token_hex(6)


def log_taken(incoming: IncomingMail, verdicts: Sequence[Verdict]) -> None:
    """Of each recipient their domain, or a digest, is told and what became of their copy, never who they are."""
    pairs = zip(incoming.recipients, verdicts, strict=True)
    told = [f"{name_of(one.address.key) if one.address else '?'}: {verdict.reason.value}" for one, verdict in pairs]
    log.info("mail taken", queue_id=incoming.submission.queue_id, recipients=told)


def outcomes(verdicts: Sequence[Verdict]) -> list[str]:
    """What became of the recipients' copies, for a span: each outcome once."""
    return sorted({verdict.action.value for verdict in verdicts})


def log_refusal(refusal: GatewayError, **about: str) -> None:
    """Where our own reading has failed, its place is told, and nothing that the mail said."""
    if isinstance(refusal, Unreadable):
        log.error("we failed to read a mail; it is refused", reply=refusal.smtp_reply, fault=fault_of(refusal), **about)
    else:
        log.info("mail refused", reply=refusal.smtp_reply, error=str(refusal), **about)


def fault_of(error: BaseException) -> str:
    """What went wrong, and where in our code."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" in {frames[-1].name}, {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(cause).__name__}{place}"
