"""What would become of a mail, for each of its recipients: decided as in serving, and nothing of it is done."""

from collections.abc import Iterator

from gateway.domain.commands import Command, joined, parse
from gateway.domain.decide import Action
from gateway.domain.site import Site
from gateway.domain.vocabulary import State
from gateway.flow.context import Context
from gateway.flow.inbound import stamps, understand
from gateway.flow.inbound.mail_receiver import reading
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbound.understand import IncomingMail, Submission
from gateway.flow.inbound.verdicts import decided, settled
from gateway.mail import parse as messages
from gateway.ports import Keys

_WORDS = {
    Action.PASS: "passes as it came",
    Action.REFUSE: "is refused",
    Action.PORTAL: "goes sealed into their inbox, and they are told",
    Action.RELAY: "is handed to the secure system of their domain",
    Action.ASK: "is held, sealed; its sender is asked, and nothing leaves before the answer",
    Action.RECALL: "takes the mail back that it names, and tells its sender what became of that",
    Action.COMMAND: "is read as commands",
    Action.REPLY: "goes sealed into the inbox of the person who is answered",
    Action.HEAR: "is kept, sealed, for who wrote to its author, who are told; its author hears that nobody reads there",
    Action.NOWHERE: "goes nowhere: its sender is told that there is no such address",
    Action.BOUNCE: "is read as what came back for a mail of ours",
    Action.POSTMASTER: "passes to the postmaster",
}


def understood(site: Site, keys: Keys, submission: Submission, raw: bytes) -> IncomingMail:
    """A whole mail, as it is understood before any transaction. Raises Refused."""
    with reading():
        recipients = understand.recipients(site, keys, submission)
        head = messages.head(raw)
        opening = raw[: head.end] if head.complete else raw  # cut there, an endless head would look whole
        incoming = understand.understand(site, submission, recipients, opening)
        return understand.read(site, stamps.stamped(site, keys, incoming), raw)


def explain(ctx: Context, understood: IncomingMail) -> Iterator[str]:
    """A line for each thing that is known of the mail, and for what would become of it. Raises Refused."""
    incoming = settled(ctx, understood)
    yield f"author: {incoming.author.address.typed if incoming.author else 'cannot be told'}"
    yield f"practice: {incoming.practice.name if incoming.practice else 'none'}"
    for case in decided(ctx, incoming):
        yield f"{case.recipient.typed}: {_becomes(case)}"
        yield f"    because: {case.verdict.reason.value}"
        if case.recipient.gateway is None:
            yield f"    meant as: {case.verdict.sign.intent.value}; {case.verdict.sign.value}"
        if case.verdict.action is Action.COMMAND:
            yield from (f"    {line}" for line in _commands(ctx, incoming))


def _becomes(case: RecipientCase) -> str:
    if case.verdict.action is not Action.HOLD:
        return _WORDS[case.verdict.action]
    if case.latest and case.latest.state is State.INVITED:
        return "is held, sealed, and waits with the invitation that they have"
    return "is held, sealed; they are invited as soon as it is known who they are to its sender"


def _commands(ctx: Context, incoming: IncomingMail) -> Iterator[str]:
    for line in joined(incoming.lines):
        command = parse(line, ctx.today)
        read = f"command: {command.text}" if isinstance(command, Command) else f"no command: {command.text}"
        yield read
        if not isinstance(command, Command):
            return
    if not incoming.lines:
        yield "no command: nothing that its writer typed was found"
