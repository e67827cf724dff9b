"""Whether a mail goes on with secure mail that we know, and who had part in that."""

from gateway.domain.model import Account, Copy, Message
from gateway.domain.site import Practice
from gateway.domain.vocabulary import CopyState
from gateway.flow.context import Context

_NOT_SECURE = (CopyState.PASSED, CopyState.ASKED)


def people_of(ctx: Context, practice: Practice, header_ids: tuple[str, ...]) -> frozenset[str]:
    """The keys of all who wrote or were sent the practice's secure mail of these Message-IDs."""
    if not header_ids:
        return frozenset()
    messages = ctx.tx.find(Message, header_id__in=list(header_ids), practice_id=practice.id)
    if not messages:
        return frozenset()
    copies = ctx.tx.find(Copy, message_id__in=[one.id for one in messages])
    authors = ctx.tx.find(Account, id__in=[one.account_id for one in messages if one.account_id])
    return frozenset(
        [*(copy.address for copy in copies if copy.state not in _NOT_SECURE), *(author.address for author in authors)]
    )
