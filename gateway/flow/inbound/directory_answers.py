"""Of whom the site's directory has to be asked before a mail is decided, and keeping what it said.

It is asked outside of transactions (edge/accept.py); what it said lies in the store, where flow/who.py finds it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain.address import Address
from gateway.domain.model import Account, Message
from gateway.domain.model_records import DirectoryEntry, Known, ListedPerson
from gateway.domain.site import Directory
from gateway.domain.vocabulary import State
from gateway.flow import senders
from gateway.flow.context import Context
from gateway.flow.inbound.understand import IncomingMail


@dataclass(frozen=True, slots=True)
class ToAsk:
    """An address that the directory is to be asked about; `is_known` from an answer that is old, and good enough while
    it is down.
    """

    who: Address
    is_known: bool


def to_ask(ctx: Context, incoming: IncomingMail) -> list[ToAsk]:
    """The addresses whose answer this mail depends on, and of which there is no fresh one."""
    directory = ctx.site.directory
    if directory is None or incoming.passes or not _depends(ctx, incoming):
        return []
    wanted = {one.key: one for one in _people(ctx, directory, incoming) if one.domain in directory.domains}
    found = {one.address: one for one in ctx.tx.find(DirectoryEntry, address__in=list(wanted))} if wanted else {}
    asked = []
    for key, one in wanted.items():
        before = found.get(key)
        if before is None or ctx.now - before.looked_at >= directory.cache:
            asked.append(ToAsk(one, before is not None and ctx.now - before.looked_at < directory.stale))
    return asked


def keep(ctx: Context, said: Mapping[str, Known]) -> None:
    """Remember what the directory said just now, that it knows nobody there as well."""
    for key, known in said.items():
        before = ctx.tx.one(DirectoryEntry, address=key)
        entry = DirectoryEntry(
            address=key,
            practice_id=known.practice_id,
            name=known.name,
            role=known.role,
            has_secure_mail=known.has_secure_mail,
            looked_at=ctx.now,
        )
        if before:
            ctx.tx.put(replace(entry, id=before.id))
        else:
            ctx.tx.add(entry)


def forget(ctx: Context) -> None:
    """Forget answers that are good for nothing any more."""
    directory = ctx.site.directory
    longest = max(directory.cache, directory.stale) if directory else timedelta()
    ctx.tx.remove(DirectoryEntry, looked_at__lt=ctx.now - longest)


# --------------------------------------------------------------------------------------------------------------- parts


def _depends(ctx: Context, incoming: IncomingMail) -> bool:
    """Whether it is secure mail, or might be: what goes on with another mail may only if that one is known here."""
    if not incoming.depends_on_author:
        return False
    if not incoming.may_go_on or incoming.marks.asks or incoming.is_read_here:
        return True
    return ctx.tx.one(Message, header_id__in=list(incoming.answers)) is not None


def _people(ctx: Context, directory: Directory, incoming: IncomingMail) -> Iterator[Address]:
    author = incoming.author.address if incoming.author else None
    matters = incoming.may_be_listed and (directory.knows_practices or incoming.practice is None)
    if author and matters and not ctx.tx.one(ListedPerson, address=author.key):
        yield author
    for one in incoming.recipients:
        if one.address and one.gateway is None and _is_open(ctx, directory, incoming, one.address):
            yield one.address


def _is_open(ctx: Context, directory: Directory, incoming: IncomingMail, reader: Address) -> bool:
    """Whether what becomes of a recipient's mail is for the directory to say."""
    if reader.domain in directory.relays:
        return True
    if reader.domain in ctx.site.relay_domains or ctx.tx.count(Account, address=reader.key):
        return False
    practice = incoming.practice
    latest = senders.latest_invitation(ctx, practice.id, reader.key) if practice else None
    if latest and latest.is_open and latest.state is not State.AWAITING:
        return False
    listed = ctx.tx.one(ListedPerson, address=reader.key, practice_id=practice.id) if practice else None
    return listed is None or listed.role is None
