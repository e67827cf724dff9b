"""One recipient of a mail, with what the store knows of them, and the verdict."""

from dataclasses import dataclass

from gateway.domain.address import Address
from gateway.domain.decide import Action, Reason, RecipientFacts, Verdict, decide
from gateway.domain.intent import Sign
from gateway.domain.model import Account, Copy, Invitation
from gateway.domain.site import Practice
from gateway.flow import senders, who
from gateway.flow.context import Context
from gateway.flow.inbound.understand import Recipient


@dataclass(frozen=True, slots=True)
class RecipientCase:
    """One recipient, what the store knows of them, and the verdict."""

    recipient: Recipient
    verdict: Verdict
    account: Account | None = None
    latest: Invitation | None = None
    """This practice's latest invitation of theirs, over or not."""
    recalled: Copy | None = None
    """Their copy of the mail that this one takes back."""

    @property
    def address(self) -> Address:
        assert self.recipient.address is not None  # noqa: S101 - without one its mail goes nowhere
        return self.recipient.address


def case_of(
    ctx: Context, practice: Practice, recipient: Recipient, sign: Sign, *, is_encrypted: bool = False
) -> RecipientCase:
    """What becomes of a secure mail, or of one that perhaps is, for one recipient."""
    if recipient.address is None:  # mail that passes is left to the next hop, which may know better
        return RecipientCase(recipient, Verdict(Action.NOWHERE, Reason.NO_ADDRESS, sign))
    account = ctx.tx.one(Account, address=recipient.address.key)
    latest = senders.latest_invitation(ctx, practice.id, recipient.address.key)
    facts = RecipientFacts(
        gateway=None,
        sign=sign,
        near_miss=ctx.site.marks.near_miss,
        delivery=account.delivery if account else None,
        domain_relayed=who.has_secure_mail(ctx, recipient.address),
        encrypted=ctx.site.marks.encrypted if is_encrypted else None,
        question_open=latest is not None and latest.is_open,
    )
    return RecipientCase(recipient, decide(facts), account, latest)
