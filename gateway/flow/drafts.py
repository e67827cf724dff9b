"""Messages that a person has begun to write: their words and files, sealed.

A form bears what its draft is known by, and its version. What is saved from an older version than the draft has, as in
a second window, takes nothing away: it becomes a draft of its own.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from gateway.domain.model import Account, Content
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.errors import WrongKey
from gateway.flow import hold
from gateway.flow.context import Context
from gateway.ports import Sealed

MOST = 50
"""How many drafts a person may keep: the oldest goes for one more."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What was written so far; `to` is the number of a sender, "" while nobody is chosen, and for an answer."""

    to: str = ""
    subject: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that is kept with a draft: `digest` is SHA-256 of its octets, `size` their number."""

    id: int
    filename: str
    content_type: str
    digest: bytes
    sealed: Sealed

    @property
    def size(self) -> int:
        return self.sealed.size


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft, opened; `broken` if it cannot be. `copy_id` is the message that it answers."""

    id: int
    begun: Begun
    changed_at: datetime
    copy_id: int | None
    writing: str = ""
    version: int = 0
    files: tuple[Enclosed, ...] = ()
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """What a form says of its draft: what it is known by, and the version that was shown."""

    name: str
    version: int = 0
    copy_id: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """Where it is kept now, and how many of the new files are; `is_apart` if it has become a draft of its own."""

    id: int
    writing: str
    version: int
    is_apart: bool = False
    files_kept: int = 0


def save(
    ctx: Context,
    account: Account,
    begun: Begun,
    writing: Writing,
    *,
    files: Sequence[Enclosed] = (),
    dropped: Collection[int] = (),
    room: int = 0,
    apart: str = "",
) -> Saved:
    """Keep what was written. New files are kept as far as the account's drafts leave `room` for them, in octets.

    `apart` is what it is to be known by, should it become a draft of its own.
    """
    before = ctx.tx.one(Draft, account_id=account.id, writing=writing.name) if writing.name else None
    is_apart = before is not None and before.version != writing.version and _open(ctx, account, before).begun != begun
    sealed = ctx.keys.seal(json.dumps(asdict(begun)).encode(), _bound_to(account))
    if before is None or is_apart:
        name = apart if is_apart else writing.name
        new = Draft(account_id=account.id, copy_id=writing.copy_id, writing=name, sealed=sealed, changed_at=ctx.now)
        draft = ctx.tx.add(replace(new, version=1))
    else:
        draft = ctx.tx.put(replace(before, sealed=sealed, version=before.version + 1, changed_at=ctx.now))
    _drop_files(ctx, [one for one in _files_of(ctx, draft) if one.id in dropped])
    kept = _keep_files(ctx, account, draft, files, room)
    _discard(ctx, ctx.tx.find(Draft, order="-changed_at", account_id=account.id, skip=MOST))
    return Saved(draft.id, draft.writing, draft.version, is_apart, kept)


def listed(ctx: Context, account: Account) -> list[Kept]:
    """The person's drafts, the latest first."""
    return [_open(ctx, account, draft) for draft in ctx.tx.find(Draft, order="-changed_at", account_id=account.id)]


def find(ctx: Context, account: Account, draft_id: int) -> Kept | None:
    """One of the person's own drafts, if it can be opened."""
    return _if_whole(ctx, account, ctx.tx.one(Draft, id=draft_id, account_id=account.id))


def written(ctx: Context, account: Account, name: str) -> Kept | None:
    """The draft that a form speaks of, if there is one that can be opened."""
    return _if_whole(ctx, account, ctx.tx.one(Draft, account_id=account.id, writing=name) if name else None)


def answering(ctx: Context, account: Account, copy_id: int) -> Kept | None:
    """The latest draft of an answer to this message."""
    found = ctx.tx.find(Draft, order="-changed_at", limit=1, account_id=account.id, copy_id=copy_id)
    return _if_whole(ctx, account, found[0] if found else None)


def discard(ctx: Context, account: Account, draft_id: int) -> bool:
    """Nothing is left of it; False where the person has no such draft."""
    return _discard(ctx, ctx.tx.find(Draft, id=draft_id, account_id=account.id)) > 0


def discard_all(ctx: Context, account: Account) -> None:
    """Nothing is left of any of the person's drafts."""
    _discard(ctx, ctx.tx.find(Draft, account_id=account.id))


def discard_answers(ctx: Context, copies: Collection[int]) -> None:
    """The drafts of answers to messages that are no more."""
    _discard(ctx, ctx.tx.find(Draft, copy_id__in=list(copies)) if copies else [])


# ------------------------------------------------------------------------------------------------------------- parts


def _if_whole(ctx: Context, account: Account, draft: Draft | None) -> Kept | None:
    kept = _open(ctx, account, draft) if draft else None
    return kept if kept and not kept.broken else None


def _open(ctx: Context, account: Account, draft: Draft) -> Kept:
    told = (draft.changed_at, draft.copy_id, draft.writing, draft.version)
    try:
        begun = Begun(**json.loads(ctx.keys.open(draft.sealed, _bound_to(account))))
        files = tuple(_open_file(ctx, account, one) for one in _files_of(ctx, draft))
    except WrongKey:  # an altered row costs this draft, not the list
        return Kept(draft.id, Begun(), *told, broken=True)
    return Kept(draft.id, begun, *told, files)


def _open_file(ctx: Context, account: Account, file: DraftFile) -> Enclosed:
    said = json.loads(ctx.keys.open(file.sealed, _bound_to(account, file.content_id)))
    content = ctx.tx.get(Content, file.content_id)
    if content is None:
        raise WrongKey(f"file {file.id} of a draft has no content")
    sealed = Sealed(content.id, b64decode(said["key"]), content.size, content.inline)
    return Enclosed(file.id, said["filename"], said["content_type"], b64decode(said["digest"]), sealed)


def _keep_files(ctx: Context, account: Account, draft: Draft, files: Iterable[Enclosed], room: int) -> int:
    """How many of the new files have found room; the others are the caller's to remove."""
    room -= _octets_of(ctx, account)
    kept = 0
    for one in files:
        room -= one.size
        if room < 0:
            break
        hold.add_content(ctx, one.sealed)
        said = {
            "filename": one.filename,
            "content_type": one.content_type,
            "digest": b64encode(one.digest).decode(),
            "key": b64encode(one.sealed.data_key).decode(),
        }
        content_id = one.sealed.content_id
        sealed = ctx.keys.seal(json.dumps(said).encode(), _bound_to(account, content_id))
        ctx.tx.add(DraftFile(draft_id=draft.id, content_id=content_id, sealed=sealed))
        kept += 1
    return kept


def _octets_of(ctx: Context, account: Account) -> int:
    """What the files of all the account's drafts have together."""
    drafts = [one.id for one in ctx.tx.find(Draft, account_id=account.id)]
    contents = [one.content_id for one in ctx.tx.find(DraftFile, draft_id__in=drafts)] if drafts else []
    return sum(one.size for one in ctx.tx.find(Content, id__in=contents)) if contents else 0


def _files_of(ctx: Context, draft: Draft) -> list[DraftFile]:
    return ctx.tx.find(DraftFile, draft_id=draft.id)


def _drop_files(ctx: Context, files: Iterable[DraftFile]) -> None:
    for one in files:
        ctx.tx.remove(DraftFile, id=one.id)
        ctx.tx.remove(Content, id=one.content_id)


def _discard(ctx: Context, drafts: Iterable[Draft]) -> int:
    gone = 0
    for one in drafts:
        _drop_files(ctx, _files_of(ctx, one))
        gone += ctx.tx.remove(Draft, id=one.id)
    return gone


def _bound_to(account: Account, content_id: str = "") -> str:
    return f"draft|{account.id}" + (f"|{content_id}" if content_id else "")
