"""Messages that a person has begun to write: their words and files, sealed.

A form bears what its draft is known by, the version that it knew, and its window's own name, by which a window knows
its own words again. What is saved over words that it did not know takes nothing away: it becomes a draft of its own.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Account, Content
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.errors import WrongKey
from gateway.flow import copies, ledger
from gateway.flow.context import Context
from gateway.ports import Sealed

MOST = 50
"""How many drafts a person may keep: the oldest goes for one more."""


@dataclass(frozen=True, slots=True)
class DraftText:
    """What was written so far; `to` is the number of a sender, "" while nobody is chosen, and for an answer.

    `window` has written it; the same words are the same from whatever window.
    """

    to: str = ""
    subject: str = ""
    body: str = ""
    window: str = field(default="", compare=False)


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
class OpenedDraft:
    """A draft, opened; `broken` if it cannot be. `copy_id` is the message that it answers."""

    id: int
    text: DraftText
    changed_at: datetime
    copy_id: int | None
    writing: str = ""
    version: int = 0
    files: tuple[Enclosed, ...] = ()
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """What a form says of its draft: what it is known by, the version that was shown, and in which window."""

    name: str
    version: int = 0
    window: str = ""
    copy_id: int | None = None

    def knew(self, kept: OpenedDraft) -> bool:
        """Whether the form was shown what is kept, or has saved it itself."""
        return self.version == kept.version or (len(self.window) > 0 and self.window == kept.text.window)


@dataclass(frozen=True, slots=True)
class Saved:
    """Where it is kept now; `is_apart` if it has become a draft of its own.

    `taken` are the contents of the new files that are kept; `is_full` if there was no room for all.
    """

    id: int
    writing: str
    version: int
    is_apart: bool = False
    taken: frozenset[str] = frozenset()
    is_full: bool = False


def save(
    ctx: Context,
    account: Account,
    text: DraftText,
    writing: Writing,
    *,
    files: Sequence[Enclosed] = (),
    dropped: Collection[int] = (),
    room: int = 0,
    apart: str = "",
) -> Saved:
    """Keep what was written. New files are kept as far as the account's drafts leave `room` for them, in octets; one
    that is there already is not kept twice.

    `apart` is what it is to be known by, should it become a draft of its own.
    """
    before = ctx.tx.one(Draft, account_id=account.id, writing=writing.name) if writing.name else None
    kept = _open(ctx, account, before) if before else None
    is_apart = kept is not None and not writing.knew(kept) and kept.text != text
    sealed = ctx.keys.seal(json.dumps(asdict(replace(text, window=writing.window))).encode(), bound_to(account.id))
    if before is None or is_apart:
        name = apart if is_apart else writing.name
        new = Draft(account_id=account.id, copy_id=writing.copy_id, writing=name, sealed=sealed, changed_at=ctx.now)
        draft = ctx.tx.add(replace(new, version=1))
    else:
        draft = ctx.tx.put(
            replace(before, copy_id=writing.copy_id, sealed=sealed, version=before.version + 1, changed_at=ctx.now)
        )
    _drop_files(ctx, [one for one in _files_of(ctx, draft) if one.id in dropped])
    taken, is_full = _keep_files(ctx, account, draft, files, room)
    _discard(ctx, ctx.tx.find(Draft, order="-changed_at", account_id=account.id, skip=MOST))
    return Saved(draft.id, draft.writing, draft.version, is_apart, frozenset(taken), is_full)


def listed(ctx: Context, account: Account) -> list[OpenedDraft]:
    """The person's drafts, the latest first."""
    return [_open(ctx, account, draft) for draft in ctx.tx.find(Draft, order="-changed_at", account_id=account.id)]


def find(ctx: Context, account: Account, draft_id: int) -> OpenedDraft | None:
    """One of the person's own drafts, if it can be opened."""
    return _if_whole(ctx, account, ctx.tx.one(Draft, id=draft_id, account_id=account.id))


def written(ctx: Context, account: Account, name: str) -> OpenedDraft | None:
    """The draft that a form speaks of, if there is one that can be opened."""
    return _if_whole(ctx, account, ctx.tx.one(Draft, account_id=account.id, writing=name) if name else None)


def answering(ctx: Context, account: Account, copy_id: int) -> OpenedDraft | None:
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


def _if_whole(ctx: Context, account: Account, draft: Draft | None) -> OpenedDraft | None:
    kept = _open(ctx, account, draft) if draft else None
    return kept if kept and not kept.broken else None


def _open(ctx: Context, account: Account, draft: Draft) -> OpenedDraft:
    told = (draft.changed_at, draft.copy_id, draft.writing, draft.version)
    try:
        text = DraftText(**json.loads(ctx.keys.open(draft.sealed, bound_to(account.id))))
        files = tuple(_open_file(ctx, account, one) for one in _files_of(ctx, draft))
    except WrongKey:  # an altered row costs this draft, not the list
        return OpenedDraft(draft.id, DraftText(), *told, broken=True)
    return OpenedDraft(draft.id, text, *told, files)


def _open_file(ctx: Context, account: Account, file: DraftFile) -> Enclosed:
    said = json.loads(ctx.keys.open(file.sealed, bound_to(account.id, file.content_id)))
    content = ctx.tx.get(Content, file.content_id)
    if content is None:
        raise WrongKey(f"file {file.id} of a draft has no content")
    sealed = Sealed(content.id, b64decode(said["key"]), content.size, content.inline)
    return Enclosed(file.id, said["filename"], said["content_type"], b64decode(said["digest"]), sealed)


def _keep_files(
    ctx: Context, account: Account, draft: Draft, files: Iterable[Enclosed], room: int
) -> tuple[list[str], bool]:
    """The contents that were taken, and whether there was no room for more; the others are the caller's to remove."""
    there = {(one.filename, one.digest) for one in _open(ctx, account, draft).files}
    room -= _octets_of(ctx, account)
    taken: list[str] = []
    for one in files:
        if (one.filename, one.digest) in there:
            continue
        room -= one.size
        if room < 0:
            return taken, True
        there.add((one.filename, one.digest))
        copies.add_content(ctx, one.sealed)
        said = {
            "filename": one.filename,
            "content_type": one.content_type,
            "digest": b64encode(one.digest).decode(),
            "key": b64encode(one.sealed.data_key).decode(),
        }
        content_id = one.sealed.content_id
        sealed = ctx.keys.seal(json.dumps(said).encode(), bound_to(account.id, content_id))
        ctx.tx.add(DraftFile(draft_id=draft.id, content_id=content_id, sealed=sealed))
        taken.append(content_id)
    return taken, False


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
        ledger.note(ctx, LedgerKind.DRAFT, one.id)
        gone += ctx.tx.remove(Draft, id=one.id)
    return gone


def bound_to(account_id: int, content_id: str = "") -> str:
    """What a draft is bound to, or a file that is kept with one: whoever writes it."""
    return f"draft|{account_id}" + (f"|{content_id}" if content_id else "")
