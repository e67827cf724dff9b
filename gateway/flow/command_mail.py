"""A mail to the bot, whether it is answered where no command was found in it, and in which language."""

from dataclasses import dataclass
from datetime import date

from gateway.domain.commands import Command, is_command, parse
from gateway.domain.meant import meant
from gateway.domain.model import Sender
from gateway.domain.words import spoken
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.mail.automatic import speaks_of_absence
from gateway.mail.parse import Mailbox
from gateway.mail.reply import Unread

HELPS = 3
"""How often a day mail without a command is answered, of one sender on one subject."""
NOT_UNDERSTOOD = frozenset({"unknown", "unread", "not_yours"})
"""The results of mail that did nothing, and that a machine may have written."""


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail to the bot, and what is known of who sent it.

    `tokens` are those of the addresses that it went to, if it answers anything. `trusted`: it came over a path that
    only this site's own mail takes. `authenticated`: the author has been proved.
    """

    tokens: tuple[str, ...]
    author: Mailbox | None
    lines: tuple[str, ...]
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
    languages: str = ""
    """Its Content-Language or Accept-Language."""


def language_of(mail: CommandMail, today: date) -> str:
    """The language to answer in: of the first verb that tells one, else the mail's own; "" for the practice's."""
    commands = (parse(line, today) for line in mail.lines)
    told = (command.language for command in commands if isinstance(command, Command) and command.language)
    return next(told, "") or spoken(mail.languages)


def help_turn(ctx: Context, sender: Sender, mail: CommandMail) -> int:
    """The how-manieth answer of today this would be to mail without a command, `HELPS` being the last; 0 for none.

    Where a machine may have written it, only a reply is answered that comes near a command.
    """
    about = f"help|{sender.id}|{' '.join(mail.tokens)}"
    near = _comes_near(mail)
    may_be_a_machine = bool(mail.signs) or speaks_of_absence(mail.lines)
    if may_be_a_machine and not (mail.tokens and near):
        return 0
    if mail.lines and not near and _answers_each_alike(ctx, about, mail):
        return 0
    return count_today(ctx, about, HELPS)


def _answers_each_alike(ctx: Context, about: str, mail: CommandMail) -> bool:
    """Whether another of our mails was answered today in just these words.

    So does a responder that marks its mail in no way. Who writes them again in answer to the same mail asks again.
    """
    words = "\n".join((about, "these words", *mail.lines))
    is_first_answer_to_it = count_today(ctx, f"{words}\n{mail.in_reply_to}", 1) > 0
    return is_first_answer_to_it and not count_today(ctx, words, 1)


def _comes_near(mail: CommandMail) -> bool:
    """Whether it begins with a command, or what may be meant for one, or has words where we read none."""
    if mail.unread in (Unread.BELOW, Unread.SEALED):
        return True  # programs that answer for somebody write on top, and encrypt nothing
    return any(is_command(line) or meant(line) for line in mail.lines[:1])
