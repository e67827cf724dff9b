"""Who is who, by the settings, the practices' people lists and the site's directory: nobody here asks the network.

What the directory says was asked for before the transaction (edge/directory.py) and lies in the store.
"""

from collections.abc import Iterator

from gateway.domain.address import Address
from gateway.domain.model_records import DirectoryEntry, ListedPerson
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Role
from gateway.flow.context import Context


def practice_of(ctx: Context, who: Address) -> Practice | None:
    """For which practice an address writes: by its name in the settings, a people list, the directory, its domain."""
    by_settings = ctx.site.practice_of(who)
    if ctx.site.names_sender(who):
        return by_settings
    return next((ctx.site.practice(one) for one in _named_at(ctx, who)), by_settings)


def works_at(ctx: Context, practice: Practice, who: Address) -> bool:
    """Whether somebody is a colleague at this practice."""
    return practice.owns(who) or practice.id in _named_at(ctx, who)


def role_at(ctx: Context, practice: Practice, who: Address) -> Role | None:
    """What a colleague does at this practice, where a list or the directory says so; None where it has to be asked."""
    listed = [one.role for one in ctx.tx.find(ListedPerson, address=who.key) if one.practice_id == practice.id]
    if any(listed):
        return listed[0]
    found = entry(ctx, who)
    return found.role if found and found.practice_id == practice.id else None


def has_secure_mail(ctx: Context, who: Address) -> bool:
    """Whether somebody has a mailbox in their domain's own secure system, to which secure mail is handed."""
    if who.domain not in ctx.site.relay_domains:
        return False
    if ctx.site.directory is None or who.domain not in ctx.site.directory.relays:
        return True
    found = entry(ctx, who)
    return found is not None and found.has_secure_mail


def entry(ctx: Context, who: Address) -> DirectoryEntry | None:
    """What the directory has said of an address, as long as that may be believed."""
    directory = ctx.site.directory
    if directory is None or who.domain not in directory.domains:
        return None
    found = ctx.tx.one(DirectoryEntry, address=who.key)
    return found if found and ctx.now - found.looked_at < max(directory.stale, directory.cache) else None


def _named_at(ctx: Context, who: Address) -> Iterator[str]:
    """The practices whose list names this address, the first one first, then the one that the directory names."""
    for one in ctx.tx.find(ListedPerson, address=who.key):
        if ctx.site.has_practice(one.practice_id):
            yield one.practice_id
    found = entry(ctx, who)
    if found and ctx.site.has_practice(found.practice_id):
        yield found.practice_id
