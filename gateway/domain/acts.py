"""What the audit records: each act by its name, with a sentence that says what was done and how grave it is.

An act's value stands in rows that are kept for years, and in what a SIEM was taught: it never changes its meaning. A
page of the documents lists them all (docs/audit.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.domain.lifecycle import Event
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import DeliverySignal

ADMINISTRATOR = "administrator"
"""The actor at the command line; the row says from where."""
STRANGER = "a stranger"
"""The actor where nobody is known to have that name: what was typed there may be anything, a password too."""


class Act(StrEnum):
    """What somebody did."""

    # Reading, and taking along
    VIEWED = "viewed"
    VIEWED_OWN = "viewed own"
    VIEWED_ANSWER = "viewed an answer"
    OPENED_FILE = "opened file"
    SAVED_ORIGINAL = "saved the original"
    DOWNLOADED = "downloaded everything"
    TOOK_ALONG = "took along"
    SEARCHED = "searched"
    TOOK_LIST = "took the practice's list"
    # Messages
    WROTE = "wrote"
    ANSWERED_BY_MAIL = "answered by mail"
    RELEASED = "released"
    HANDED_OVER = "handed over"
    MOVED = "moved a copy"
    RECALLED = "recalled"
    DESTROYED = "destroyed"
    TOLD_OPENED = "told opened"
    ASKED_ABOUT = "asked about a mail"
    ANSWERED_QUESTION = "answered about a mail"
    # Invitations
    INVITATION_OPENED = "invitation opened"
    INVITATION_DETAILS = "invitation details"
    INVITATION_CORRECTED = "invitation corrected"
    INVITATION_JOINED = "invitation joined"
    INVITATION_JOINED_LATE = "invitation joined late"
    INVITATION_UNANSWERED = "invitation unanswered"
    INVITATION_LAPSE_DUE = "invitation lapsed"
    INVITATION_REMINDER_DUE = "invitation reminder"
    INVITATION_REMIND = "invitation reminded"
    INVITATION_EXPIRY_DUE = "invitation expired"
    INVITATION_WRONG_BIRTHDATE = "wrong birthdate"
    INVITATION_LAST_WRONG_BIRTHDATE = "last wrong birthdate"
    INVITATION_ACCEPT = "invitation accepted"
    INVITATION_BOUNCED = "invitation bounced"
    INVITATION_CANCEL = "invitation cancelled"
    INVITATION_REINVITE = "invitation sent again"
    INVITATION_GRACE_OVER = "invitation over"
    INVITATION_OUTAGE = "invitation kept after an outage"
    INVITATION_MOVED = "invitation moved"
    INVITATION_ASKED = "invitation's link asked for"
    WITHDREW = "withdrew"
    HEARD_AWAY = "heard away"
    HEARD_DELAYED = "heard delayed"
    HEARD_RETURNED = "heard returned"
    # Commands
    SAID_PATIENT = "said PATIENT"
    SAID_CLINICIAN = "said CLINICIAN"
    SAID_STAFF = "said STAFF"
    SAID_COLLEAGUE = "said COLLEAGUE"
    SAID_REMIND = "said REMIND"
    SAID_CANCEL = "said CANCEL"
    SAID_RECALL = "said RECALL"
    SAID_READ = "said READ"
    SAID_STATUS = "said STATUS"
    SAID_LIST = "said LIST"
    SAID_DIRECTORY = "said DIRECTORY"
    SAID_PATIENTS = "said PATIENTS"
    SAID_INVITE = "said INVITE"
    SAID_MOVE = "said MOVE"
    SAID_DELEGATE = "said DELEGATE"
    SAID_UNDELEGATE = "said UNDELEGATE"
    SAID_YES = "said YES"
    SAID_PLAIN = "said PLAIN"
    SAID_HELP = "said HELP"
    DELEGATED = "granted delegation"
    UNDELEGATED = "withdrew delegation"
    ASKED_TO_CONFIRM = "asked to confirm"
    REFUSED_COMMAND = "refused command"
    REFUSED_ANSWER = "refused answer"
    # Accounts
    REGISTERED = "registered"
    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    SIGN_IN_FAILED = "sign-in failed"
    PASSWORD_REFUSED = "password refused"  # noqa: S105 - an act
    USED_CODE = "used a code"
    USED_PASSKEY = "used a passkey"
    USED_RECOVERY_CODE = "used a recovery code"
    FACTOR_FAILED = "second step failed"
    ASKED_NEW_PASSWORD = "asked for a new password"  # noqa: S105
    CHANGED_PASSWORD = "changed the password"  # noqa: S105
    PASSKEY_ADDED = "passkey added"
    PASSKEY_REMOVED = "passkey removed"
    CODES_ON = "codes on"
    CODES_OFF = "codes off"
    RECOVERY_CODES = "recovery codes"
    RECOVERY_CODES_REMOVED = "recovery codes removed"
    ENDED_SESSION = "ended a session"
    CHANGED_NAME = "changed the name"
    CHANGED_PRACTICE = "changed the practice"
    CHANGED_DELIVERY = "changed the delivery"
    ASKED_NEW_ADDRESS = "asked for another address"
    CHANGED_ADDRESS = "changed the address"
    CALLED_BACK = "called a new address back"
    ERASED = "erased"
    # Others who sign in
    PRACTICE_SIGNED_IN = "signed in at the practice"
    PRACTICE_REFUSED = "refused at the practice"
    SMTP_SIGNED_IN = "signed in over SMTP"
    SMTP_FAILED = "sign-in over SMTP failed"
    # What goes wrong
    UNHEARD = "unheard"
    QUARANTINED = "quarantined"
    COULD_NOT_OPEN = "could not open"
    UNCOUNTED = "no more is recorded today"
    # Administrators
    RETRIED = "retried"
    DROPPED = "dropped"
    ADDED_LOGIN = "added a login"
    BACKED_UP = "backed up"
    RESTORED = "restored"
    SENT_BEFORE = "was sent before the restore"
    KEPT_BY_HOLD = "kept by a legal hold"
    FOLLOWED_LEDGER = "followed the ledger"
    PRINTED_SHEETS = "printed key sheets"
    ROTATED_KEYS = "rotated the keys"
    RETIRED_KEY = "retired a key"
    HOLD_PLACED = "placed a legal hold"
    HOLD_RELEASED = "released a legal hold"
    HOLD_FOLLOWS = "legal hold follows"
    EXPORTED_PERSON = "exported a person"
    EXPORTED_COPY = "exported"
    ERASING_PERSON = "began to erase a person"
    ERASED_PERSON = "erased a person"
    IMPORTED_LIST = "imported a people list"
    PAUSED = "paused"
    RESUMED = "resumed"
    MENDED = "mended"
    SAVED_WHOLE = "saved what was whole"
    MIGRATED = "migrated"
    COPIED_DATABASE = "copied the database"
    LEAVING = "began to leave"
    HANDED_BACK = "handed back"
    LISTED_AUDIT = "read the audit"
    EXPORTED_AUDIT = "exported the audit"
    VERIFIED_AUDIT = "verified the audit"
    RELOADED = "reloaded the settings"
    RELOAD_REFUSED = "refused new settings"
    ADMIN_LINK = "made an administrator's link"
    ADMIN_SIGNED_IN = "signed in as administrator"
    ADMIN_SIGNED_OUT = "signed out as administrator"
    ADMIN_REFUSED = "refused as administrator"
    LOOKED_UP = "looked up"

    @property
    def signature(self) -> str:
        """What a SIEM knows it by."""
        return self.value.lower().replace("'", "").replace(" ", "-")


def of_event(event: Event) -> Act:
    """How the audit calls what happens to an invitation."""
    return Act[f"INVITATION_{event.name}"]


def of_verb(verb: Verb) -> Act:
    """How the audit calls a command."""
    return Act[f"SAID_{verb.name}"]


def of_signal(signal: DeliverySignal) -> Act:
    """How the audit calls what an invitee's mail system told us."""
    return Act[f"HEARD_{signal.name}"]


class Gravity(IntEnum):
    """How much an act matters to whoever watches (the severity of CEF, from 0 to 10)."""

    USUAL = 2
    READ = 3
    """something that people wrote was shown, or left the portal"""
    CHANGE = 4
    """of what is held, or how somebody signs in"""
    REFUSED = 6
    """somebody was not let in, or not listened to"""
    ALARM = 8
    """perhaps an attack, or damage"""


@dataclass(frozen=True, slots=True)
class ActSpec:
    """What there is to say of an act. `subject` is what its row is about."""

    does: str
    subject: str
    gravity: Gravity = Gravity.USUAL


_COPY, _MESSAGE, _INVITATION, _ACCOUNT = "the copy", "the message", "the invitation", "the account"
_READ, _CHANGE, _REFUSED, _ALARM = Gravity.READ, Gravity.CHANGE, Gravity.REFUSED, Gravity.ALARM

_SPECS: dict[Act, ActSpec] = {
    Act.VIEWED: ActSpec("A reader opened a message.", _COPY, _READ),
    Act.VIEWED_OWN: ActSpec("A person opened a message that they wrote.", _MESSAGE, _READ),
    Act.VIEWED_ANSWER: ActSpec("A sender opened what an invitee had answered by mail.", _COPY, _READ),
    Act.OPENED_FILE: ActSpec("A file, or a picture within a message, was given out or looked at.", _COPY, _READ),
    Act.SAVED_ORIGINAL: ActSpec("A reader saved a whole message as it came.", _COPY, _READ),
    Act.DOWNLOADED: ActSpec("A person took all that they have here.", _ACCOUNT, _READ),
    Act.TOOK_ALONG: ActSpec("One message of such a download.", "the copy or message", _READ),
    Act.SEARCHED: ActSpec("A person searched their messages.", _ACCOUNT, _READ),
    Act.TOOK_LIST: ActSpec("A manager saved the list of the practice's people.", "the practice", _READ),
    Act.WROTE: ActSpec("A person wrote to a practice in the portal.", _MESSAGE),
    Act.ANSWERED_BY_MAIL: ActSpec("An invitee or reader answered a notice by mail.", "the practice"),
    Act.RELEASED: ActSpec("A held message went into its reader's inbox.", _COPY, _CHANGE),
    Act.HANDED_OVER: ActSpec("A message left for its reader's own mail system.", _COPY, _CHANGE),
    Act.MOVED: ActSpec("A held message was moved to another address.", _COPY, _CHANGE),
    Act.RECALLED: ActSpec("A sender took a message back.", _COPY, _CHANGE),
    Act.DESTROYED: ActSpec("The key of a copy was destroyed.", _COPY, _CHANGE),
    Act.TOLD_OPENED: ActSpec("A sender who had asked was told that a message was opened.", _COPY),
    Act.ASKED_ABOUT: ActSpec("A sender was asked whether a mail is to be secure.", _MESSAGE),
    Act.ANSWERED_QUESTION: ActSpec("That question was answered, or its time was over.", _MESSAGE, _CHANGE),
    Act.INVITATION_OPENED: ActSpec("A message to a stranger was held.", _INVITATION),
    Act.INVITATION_DETAILS: ActSpec("A sender said who the stranger is.", _INVITATION, _CHANGE),
    Act.INVITATION_CORRECTED: ActSpec("A sender corrected who the stranger is.", _INVITATION, _CHANGE),
    Act.INVITATION_JOINED: ActSpec("Another mail waits for the same stranger.", _INVITATION),
    Act.INVITATION_JOINED_LATE: ActSpec("The same near its end: its days start afresh.", _INVITATION),
    Act.INVITATION_UNANSWERED: ActSpec("A sender was asked again who the stranger is.", _INVITATION),
    Act.INVITATION_LAPSE_DUE: ActSpec("No sender said who the stranger is: it ended.", _INVITATION, _CHANGE),
    Act.INVITATION_REMINDER_DUE: ActSpec("The invitee was reminded, by the calendar.", _INVITATION),
    Act.INVITATION_REMIND: ActSpec("The invitee was reminded, as a sender asked.", _INVITATION),
    Act.INVITATION_EXPIRY_DUE: ActSpec("Its last day was over.", _INVITATION, _CHANGE),
    Act.INVITATION_WRONG_BIRTHDATE: ActSpec("Somebody gave a wrong birthdate: a strike.", _INVITATION, _REFUSED),
    Act.INVITATION_LAST_WRONG_BIRTHDATE: ActSpec("The last wrong birthdate: it is locked.", _INVITATION, _ALARM),
    Act.INVITATION_ACCEPT: ActSpec("The invitee proved who they are.", _INVITATION, _CHANGE),
    Act.INVITATION_BOUNCED: ActSpec("The invitation came back for good.", _INVITATION, _CHANGE),
    Act.INVITATION_CANCEL: ActSpec("Nobody waits for the invitee any more.", _INVITATION, _CHANGE),
    Act.INVITATION_REINVITE: ActSpec("A sender invited anew.", _INVITATION, _CHANGE),
    Act.INVITATION_GRACE_OVER: ActSpec("What was held after its end was destroyed.", _INVITATION, _CHANGE),
    Act.INVITATION_OUTAGE: ActSpec("It is kept a day more, after an outage.", _INVITATION),
    Act.INVITATION_MOVED: ActSpec("It goes to another address.", _INVITATION, _CHANGE),
    Act.INVITATION_ASKED: ActSpec("Somebody with a dead link asked for a new one.", _INVITATION),
    Act.WITHDREW: ActSpec("A sender waits for the invitee no more.", _INVITATION, _CHANGE),
    Act.HEARD_AWAY: ActSpec("The invitee may be away.", _INVITATION),
    Act.HEARD_DELAYED: ActSpec("The invitee's mail system has not taken the invitation yet.", _INVITATION),
    Act.HEARD_RETURNED: ActSpec("The invitation came back for now.", _INVITATION),
    Act.DELEGATED: ActSpec("A sender let somebody act on their behalf.", "who may act now", _CHANGE),
    Act.UNDELEGATED: ActSpec("Somebody may act on a sender's behalf no more.", "who could act", _CHANGE),
    Act.ASKED_TO_CONFIRM: ActSpec("We asked a sender to confirm a command that nobody proved.", "the sender", _REFUSED),
    Act.REFUSED_COMMAND: ActSpec("A command was not listened to.", "what it answered", _REFUSED),
    Act.REFUSED_ANSWER: ActSpec("An answer came from somebody who was not written to.", "what it answered", _REFUSED),
    Act.REGISTERED: ActSpec("An invitee made an account.", _ACCOUNT, _CHANGE),
    Act.SIGNED_IN: ActSpec("A person signed in.", _ACCOUNT),
    Act.SIGNED_OUT: ActSpec("A person signed out.", _ACCOUNT),
    Act.SIGN_IN_FAILED: ActSpec("A password or passkey was wrong.", "the account, or none", _REFUSED),
    Act.PASSWORD_REFUSED: ActSpec("Somebody signed in gave a wrong password for a change.", _ACCOUNT, _REFUSED),
    Act.USED_CODE: ActSpec("A person showed a code from their phone.", _ACCOUNT),
    Act.USED_PASSKEY: ActSpec("A person showed a passkey.", _ACCOUNT),
    Act.USED_RECOVERY_CODE: ActSpec("A person used up a recovery code.", _ACCOUNT, _CHANGE),
    Act.FACTOR_FAILED: ActSpec("A code or passkey of a second step was wrong.", _ACCOUNT, _REFUSED),
    Act.ASKED_NEW_PASSWORD: ActSpec("Somebody asked for a link to a new password.", "the account, or none"),
    Act.CHANGED_PASSWORD: ActSpec("A password was set anew.", _ACCOUNT, _CHANGE),
    Act.PASSKEY_ADDED: ActSpec("A passkey was added.", _ACCOUNT, _CHANGE),
    Act.PASSKEY_REMOVED: ActSpec("A passkey was removed.", _ACCOUNT, _CHANGE),
    Act.CODES_ON: ActSpec("Codes from a phone were turned on.", _ACCOUNT, _CHANGE),
    Act.CODES_OFF: ActSpec("Codes from a phone were turned off.", _ACCOUNT, _CHANGE),
    Act.RECOVERY_CODES: ActSpec("New recovery codes took the place of the old ones.", _ACCOUNT, _CHANGE),
    Act.RECOVERY_CODES_REMOVED: ActSpec("The recovery codes were taken away.", _ACCOUNT, _CHANGE),
    Act.ENDED_SESSION: ActSpec("A person ended a session of theirs.", _ACCOUNT, _CHANGE),
    Act.CHANGED_NAME: ActSpec("A person changed their name.", _ACCOUNT),
    Act.CHANGED_PRACTICE: ActSpec("A colleague changed where they work.", _ACCOUNT),
    Act.CHANGED_DELIVERY: ActSpec("A person chose where they read.", _ACCOUNT, _CHANGE),
    Act.ASKED_NEW_ADDRESS: ActSpec("A person asked to have another address.", _ACCOUNT, _CHANGE),
    Act.CHANGED_ADDRESS: ActSpec("An account got another address.", _ACCOUNT, _CHANGE),
    Act.CALLED_BACK: ActSpec("The old address called a new one back.", _ACCOUNT, _ALARM),
    Act.ERASED: ActSpec("A person erased their account.", _ACCOUNT, _CHANGE),
    Act.PRACTICE_SIGNED_IN: ActSpec("A sender came by their practice's own sign-in.", "the sender"),
    Act.PRACTICE_REFUSED: ActSpec(
        "That sign-in named somebody who does not write for the practice.", "the practice", _REFUSED
    ),
    Act.SMTP_SIGNED_IN: ActSpec("A login was used from an address for the first time that day.", "the listener"),
    Act.SMTP_FAILED: ActSpec("A login's password was wrong.", "the listener", _REFUSED),
    Act.UNHEARD: ActSpec("Mail to a sender does not arrive.", "the sender"),
    Act.QUARANTINED: ActSpec("A mail could not be written out, and was set aside.", "the delivery", _ALARM),
    Act.COULD_NOT_OPEN: ActSpec("A copy's key was altered or is damaged.", _COPY, _ALARM),
    Act.UNCOUNTED: ActSpec("So many failures of a kind came today that the next are not recorded.", "which", _ALARM),
    Act.RETRIED: ActSpec("An administrator had a mail tried again.", "the delivery", _CHANGE),
    Act.DROPPED: ActSpec("An administrator gave a mail up.", "the delivery", _CHANGE),
    Act.ADDED_LOGIN: ActSpec("An administrator let a login hand in mail.", "the login", _CHANGE),
    Act.BACKED_UP: ActSpec("An administrator took a backup.", "the snapshot"),
    Act.RESTORED: ActSpec("An administrator restored a backup.", "the snapshot", _ALARM),
    Act.SENT_BEFORE: ActSpec("After a restore, a mail was not sent again: it had been sent.", "the delivery"),
    Act.KEPT_BY_HOLD: ActSpec("A copy has ended, and a legal hold keeps its key.", _COPY, _CHANGE),
    Act.FOLLOWED_LEDGER: ActSpec("After a restore, an invitation was put where it had stood.", _INVITATION, _CHANGE),
    Act.PRINTED_SHEETS: ActSpec("An administrator printed key sheets.", "the keys", _ALARM),
    Act.ROTATED_KEYS: ActSpec("An administrator had everything sealed under a new key.", "the key", _CHANGE),
    Act.RETIRED_KEY: ActSpec("An administrator ended the links of an older key.", "the key", _CHANGE),
    Act.HOLD_PLACED: ActSpec("From then on nothing of a person or a practice is destroyed.", "the hold", _CHANGE),
    Act.HOLD_RELEASED: ActSpec("That ended.", "the hold", _CHANGE),
    Act.HOLD_FOLLOWS: ActSpec("It went along to a person's other address.", "the hold"),
    Act.EXPORTED_PERSON: ActSpec("An administrator took all that is held about a person.", "the person", _READ),
    Act.EXPORTED_COPY: ActSpec("One message of such an export.", _COPY, _READ),
    Act.ERASING_PERSON: ActSpec("An administrator began to erase a person.", "the person", _ALARM),
    Act.ERASED_PERSON: ActSpec("All of that person was erased.", "the person", _ALARM),
    Act.IMPORTED_LIST: ActSpec("An administrator brought in a people list.", "the practice", _CHANGE),
    Act.PAUSED: ActSpec("An administrator kept a mail from being sent.", "the delivery", _CHANGE),
    Act.RESUMED: ActSpec("An administrator let a paused mail go on.", "the delivery", _CHANGE),
    Act.MENDED: ActSpec("An administrator had a small damage mended.", "the place", _ALARM),
    Act.SAVED_WHOLE: ActSpec("An administrator had what was whole saved into a new database.", "the database", _ALARM),
    Act.MIGRATED: ActSpec("An administrator brought the database to a newer schema.", "the database", _CHANGE),
    Act.COPIED_DATABASE: ActSpec(
        "An administrator had it copied from SQLite to PostgreSQL, and the copy was equal.", "the database", _CHANGE
    ),
    Act.LEAVING: ActSpec("An administrator began to take it out of use.", "the gateway, or a practice", _ALARM),
    Act.HANDED_BACK: ActSpec("With that a held mail went back to its sender.", _MESSAGE, _CHANGE),
    Act.LISTED_AUDIT: ActSpec("An administrator read the audit.", "the audit", _READ),
    Act.EXPORTED_AUDIT: ActSpec("An administrator exported the audit.", "the audit", _READ),
    Act.VERIFIED_AUDIT: ActSpec("An administrator had the audit verified.", "the audit"),
    Act.RELOADED: ActSpec("The settings were read anew; the row names the keys that changed.", "the settings", _CHANGE),
    Act.RELOAD_REFUSED: ActSpec("New settings were refused; the row names the faulty keys.", "the settings", _REFUSED),
    Act.ADMIN_LINK: ActSpec("A link to the administrator's pages was made.", "the session", _CHANGE),
    Act.ADMIN_SIGNED_IN: ActSpec("An administrator signed in to the administrator's pages.", "the session", _CHANGE),
    Act.ADMIN_SIGNED_OUT: ActSpec("An administrator signed out of them.", "the session"),
    Act.ADMIN_REFUSED: ActSpec("Somebody who is no administrator wanted to sign in to them.", "the site", _REFUSED),
    Act.LOOKED_UP: ActSpec("An administrator searched for mails or a person on these pages.", "what it found", _READ),
}
_OF_VERBS = {of_verb(one): ActSpec(f"A sender, or somebody for them, said {one}.", "whom it is about") for one in Verb}
ACTS: Mapping[Act, ActSpec] = {one: (_SPECS | _OF_VERBS)[one] for one in Act}
"""Every act, in the order of the enumeration."""
