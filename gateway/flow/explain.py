"""What would become of a mail, for each of its recipients: decided as in serving, and nothing of it is done."""

from collections.abc import Iterator

from gateway.domain.commands import Command, joined, parse
from gateway.domain.decide import Action
from gateway.domain.site import Site
from gateway.domain.vocabulary import State
from gateway.flow import understand
from gateway.flow.case import Case
from gateway.flow.context import Context
from gateway.flow.take_in import reading
from gateway.flow.understand import Draft, Submission
from gateway.flow.verdicts import decided
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


def understood(site: Site, keys: Keys, submission: Submission, raw: bytes) -> Draft:
    """A whole mail, as it is understood before any transaction. Raises Refused."""
    with reading():
        recipients = understand.recipients(site, keys, submission)
        head = messages.head(raw)
        draft = understand.understand(site, submission, recipients, raw[: head.end])
        return understand.read(site, draft, raw)


def explain(ctx: Context, draft: Draft) -> Iterator[str]:
    """A line for each thing that is known of the mail, and for what would become of it. Raises Refused."""
    yield f"author: {draft.author.address.typed if draft.author else 'cannot be told'}"
    yield f"practice: {draft.practice.name if draft.practice else 'none'}"
    for case in decided(ctx, draft):
        yield f"{case.recipient.typed}: {_becomes(case)}"
        yield f"    because: {case.verdict.reason.value}"
        if case.recipient.gateway is None:
            yield f"    meant as: {case.verdict.sign.intent.value}; {case.verdict.sign.value}"
        if case.verdict.action is Action.COMMAND:
            yield from (f"    {line}" for line in _commands(ctx, draft))


def _becomes(case: Case) -> str:
    if case.verdict.action is not Action.HOLD:
        return _WORDS[case.verdict.action]
    if case.latest and case.latest.state is State.INVITED:
        return "is held, sealed, and waits with the invitation that they have"
    return "is held, sealed; they are invited as soon as it is known who they are to its sender"


def _commands(ctx: Context, draft: Draft) -> Iterator[str]:
    for line in joined(draft.lines):
        command = parse(line, ctx.today)
        read = f"command: {command.text}" if isinstance(command, Command) else f"no command: {command.text}"
        yield read
        if not isinstance(command, Command):
            return
    if not draft.lines:
        yield "no command: nothing that its writer typed was found"
