"""What became of each line that a sender has typed, or of the button that stands for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.flow.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedStanding(Standing):
    """A person, and the sender of whom it is asked whether they are meant."""

    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A message that was delivered: to whom, when it was sent, and read."""

    who: str
    sent: str
    read: str
    recalled: bool


class ResultCode(StrEnum):
    """What became of one line that a sender typed: each has a title and a macro in `templates/mail/results.j2`."""

    INVITED = "invited"
    NOTED = "noted"
    CORRECTED = "corrected"
    REINVITED = "reinvited"
    ALREADY_INVITED = "already_invited"
    ACCEPTED_ALREADY = "accepted_already"
    REMINDED = "reminded"
    REMINDED_LATELY = "reminded_lately"
    CANCELLED = "cancelled"
    CANCELLED_ALREADY = "cancelled_already"
    TOO_LATE = "too_late"
    RECALLED = "recalled"
    RECALL_READ = "recall_read"
    RECALL_GONE = "recall_gone"
    RECALL_NOTHING = "recall_nothing"
    READ = "read"
    READ_NOT_TOLD = "read_not_told"
    DETAILS_NEEDED = "details_needed"
    DETAILS_STAND = "details_stand"
    DOUBT = "doubt"
    USED_UP = "used_up"
    MOVED = "moved"
    MOVED_TO_INBOX = "moved_to_inbox"
    MOVE_WHERE = "move_where"
    NOT_MOVED = "not_moved"
    INVITE_AGAIN = "invite_again"
    NOT_POSSIBLE = "not_possible"
    NOT_FOUND = "not_found"
    WHICH_PERSON = "which_person"
    WHICH_SENDER = "which_sender"
    STATUS = "status"
    LIST = "list"
    DIRECTORY = "directory"
    PATIENTS = "patients"
    DELEGATES = "delegates"
    DELEGATED = "delegated"
    UNDELEGATED = "undelegated"
    NO_DELEGATE = "no_delegate"
    NO_SUCH_DELEGATE = "no_such_delegate"
    FIXED_DELEGATE = "fixed_delegate"
    ONLY_ONESELF = "only_oneself"
    TOO_MANY_DELEGATES = "too_many_delegates"
    TAKEN_AS_SECURE = "taken_as_secure"
    SENT_PLAIN = "sent_plain"
    NOT_PLAIN = "not_plain"
    DISCARDED = "discarded"
    NOTHING_ASKED = "nothing_asked"
    NOTHING_TO_CONFIRM = "nothing_to_confirm"
    HELP = "help"
    MANY = "many"
    UNKNOWN = "unknown"
    UNKNOWN_ROW = "unknown_row"
    UNREAD = "unread"
    NOT_YOURS = "not_yours"
    NOT_ANY_MORE = "not_any_more"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongLine:
    """A line of a long list that could not be carried out."""

    line: str
    code: ResultCode
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one line; which of the other fields are there depends on the code."""

    code: ResultCode
    line: str = ""
    """As it was read."""
    order: str = ""
    """In which order its birthdate was read, if that was not plain."""
    behalf: str = ""
    """The sender on whose behalf somebody else wrote it, and their row."""
    owner: int = 0
    changed: bool = False
    """Whether it changed anything of theirs."""
    who: str = ""
    address: str = ""
    person: Standing | None = None
    why: str = ""
    at: str = ""
    to: str = ""
    readers: tuple[str, ...] = ()
    sent: str = ""
    was_read: bool = False
    mails: int = 0
    others: bool = False
    withdrawn: bool = False
    people: tuple[Standing | OwnedStanding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    more: int = 0
    wrong: tuple[WrongLine, ...] = ()
    readings: tuple[Reading, ...] = ()
    count: int = 0
    receipt: bool = False
    answer: str = ""
    own: str = ""
    meant: str = ""
    delegates: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
