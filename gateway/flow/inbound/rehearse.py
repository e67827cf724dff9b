"""A mail that was sent long ago, as if it were handed in now: what would become of it, and nothing of it is done."""

from dataclasses import dataclass

from gateway.domain.decide import Action
from gateway.errors import GatewayError
from gateway.flow.context import Context
from gateway.flow.inbound import explain, observe
from gateway.flow.inbound.understand import Submission
from gateway.flow.inbound.verdicts import decided, settled
from gateway.mail import parse
from gateway.mail.mailboxes import mailboxes
from gateway.mail.parse import Head

NOBODY = "none of its recipients can be read"
PASSES = (Action.PASS.value, Action.POSTMASTER.value)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would become of a mail for one recipient: `action` and `reason` as in the observe mode's report."""

    author: str
    recipient: str
    action: str
    reason: str
    message_id: str

    @property
    def passes(self) -> bool:
        """Whether it would pass as it came."""
        return self.action in PASSES


def rehearse(ctx: Context, raw: bytes, authserv_id: str = "") -> list[Rehearsed]:
    """One for each recipient of To, Cc and Bcc, since the envelope is gone; the mail is taken to come from inside."""
    head = parse.head(raw)
    author = next((one.address.typed for one in head.authors), "")
    recipients = _recipients(head)
    if not recipients:
        return [Rehearsed(author, "", Action.PASS.value, NOBODY, head.message_id)]
    submission = Submission(author, recipients, trusted=True, authserv_id=authserv_id)
    try:
        incoming = settled(ctx, explain.understood(ctx.site, ctx.keys, submission, raw))
        cases = decided(ctx, incoming)
        refused = incoming.refused
    except GatewayError as refusal:
        return [Rehearsed(author, to, observe.REFUSED, refusal.smtp_reply, head.message_id) for to in recipients]
    return [
        Rehearsed(
            author,
            case.recipient.typed,
            observe.REFUSED if refused else case.verdict.action.value,
            refused or f"{case.verdict.reason.value}; {case.verdict.sign.value}",
            head.message_id,
        )
        for case in cases
    ]


def _recipients(head: Head) -> tuple[str, ...]:
    hidden = (one for value in head.all("bcc") for one in mailboxes(value))
    found = {one.address.key: one.address.typed for one in (*head.visible, *hidden)}
    return tuple(found.values())
