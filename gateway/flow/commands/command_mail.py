"""A mail to the bot, whether it is answered where no command was found in it, and in which language."""

from dataclasses import dataclass
from enum import Enum

from gateway.domain.commands import Line
from gateway.domain.meant import meant
from gateway.domain.model import Sender
from gateway.domain.words import spoken
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.results import ResultCode
from gateway.mail.automatic import speaks_of_absence
from gateway.mail.parse import Mailbox
from gateway.mail.reply import Unread

HELPS = 3
"""How often a day mail without a command is answered, of one sender on one subject."""
NOT_UNDERSTOOD = frozenset({ResultCode.UNKNOWN, ResultCode.UNREAD, ResultCode.NOT_YOURS, ResultCode.NOT_ANY_MORE})
"""The results of mail that did nothing, and that a machine may have written."""


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail to the bot, and what is known of who sent it.

    `tokens` are those of the addresses that it went to, if it answers anything. `trusted`: it came over a path that
    only this site's own mail takes. `authenticated`: the author has been proved.
    """

    tokens: tuple[str, ...]
    author: Mailbox | None
    lines: tuple[Line, ...]
    message_id: str
    trusted: bool
    authenticated: bool
    automatic: bool
    """Whether no person wrote it, without doubt."""
    signs: str = ""
    """What else speaks for a machine; people's mail may bear it too."""
    in_reply_to: str = ""
    """The Message-ID of ours that it answers."""
    unread: Unread = Unread.NO
    """Why it has no lines."""
    rows: tuple[Line, ...] = ()
    """What a table that is attached to it says, a command for each row."""
    languages: str = ""
    """Its Content-Language or Accept-Language."""


def language_of(mail: CommandMail) -> str:
    """The language to answer in: of the first verb that tells one, else the mail's own; "" for the practice's."""
    told = (line.command.language for line in mail.lines if line.command and line.command.language)
    return next(told, "") or spoken(mail.languages)


class Help(Enum):
    """Whether mail without a command is answered."""

    NONE = 0
    GIVEN = 1
    LAST = 2
    """For today."""


def help_for(ctx: Context, sender: Sender, mail: CommandMail) -> Help:
    """Whether this mail without a command is answered.

    What bears a machine's sign is where it answers a notice and comes near a command; what merely begins like a note of
    absence is once a day.
    """
    about = f"help|{sender.id}|{' '.join(mail.tokens)}"
    if not _comes_near(mail):
        if mail.signs or _answers_each_alike(ctx, about, mail):
            return Help.NONE
        if speaks_of_absence(tuple(line.typed for line in mail.lines)):
            return Help.LAST if mail.tokens and count_today(ctx, f"{about}|away", 1) else Help.NONE
    elif mail.signs and not mail.tokens:
        return Help.NONE
    turn = count_today(ctx, about, HELPS)
    return {0: Help.NONE, HELPS: Help.LAST}.get(turn, Help.GIVEN)


def _answers_each_alike(ctx: Context, about: str, mail: CommandMail) -> bool:
    """Whether another of our mails was answered today in just these words.

    So does a responder that marks its mail in no way. Who writes them again in answer to the same mail asks again.
    """
    if not mail.lines:
        return False
    words = "\n".join((about, "these words", *(line.typed for line in mail.lines)))
    is_first_answer_to_it = count_today(ctx, f"{words}\n{mail.in_reply_to}", 1) > 0
    return is_first_answer_to_it and not count_today(ctx, words, 1)


def _comes_near(mail: CommandMail) -> bool:
    """Whether it begins with a command, or what may be meant for one, or has words where we read none."""
    if mail.unread in (Unread.BELOW, Unread.SEALED):
        return True  # programs that answer for somebody write on top, and encrypt nothing
    return any(line.command or meant(line.typed) for line in mail.lines[:1])
