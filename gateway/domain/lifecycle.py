"""The life of an invitation, as a table: (state, event) -> (state, effects).

Effects are values; flow/invitations/invite.py carries them out and saves them with the state in one transaction. The
diagram in the documentation is generated from this table (`diagram`).
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.vocabulary import RESTING, State


class Event(StrEnum):
    """What can happen to an invitation."""

    DETAILS = "details"
    """the sender says what the person is to them; of one who is invited, what they are asked anyway"""
    CORRECTED = "details corrected"
    """the sender says otherwise, so that the invitee is asked something else, or to know another birthdate"""
    JOINED = "joined"
    """another mail or another sender for the same person"""
    JOINED_LATE = "joined near its end"
    """the same, when too few days are left for it: they start afresh"""
    UNANSWERED = "no answer"
    LAPSE_DUE = "day 7"
    REMINDER_DUE = "reminder day"
    REMIND = "REMIND"
    EXPIRY_DUE = "end of day 30"
    WRONG_BIRTHDATE = "wrong birthdate"
    LAST_WRONG_BIRTHDATE = "third wrong birthdate"
    ACCEPT = "accepted"
    BOUNCED = "permanent bounce"
    CANCEL = "nobody waits any more"
    REINVITE = "invited again"
    GRACE_OVER = "grace period over"
    OUTAGE = "back after an outage"
    """its end has come while we were away: there is a day more"""
    MOVED = "address moved"
    ASKED = "asked for a new link"
    """the invitee holds a link that has died"""


class Effect(StrEnum):
    """What a move brings about."""

    RESTART_SCHEDULE = "the day becomes day 0"
    NEW_LINK = "the old link dies"
    COUNT_WRONG_BIRTHDATE = "one try less"
    FORGIVE_WRONG_BIRTHDATES = "tries start afresh, within the cap"
    SEND_INVITATION = "the invitee is invited"
    SEND_REMINDER = "the invitee is reminded, unless that was within the last hour"
    SEND_NEW_DAYS = "the invitee is reminded, with the days that hold now"
    ASK_AGAIN = "the sender is asked again"
    TELL_ACCEPTED = "the sender hears that it was accepted"
    TELL_LOCKED = "the sender hears of the wrong birthdates"
    TELL_SHUT_OUT = "the invitee hears of it, and whom to ask"
    TELL_EXPIRED = "the sender hears that it expired"
    TELL_UNDELIVERABLE = "the sender hears that the address is dead"
    TELL_LAPSED = "the sender hears that the mail was never delivered"
    TELL_ASKED = "the sender hears that a new link is wanted"
    RELEASE_HELD = "held mail goes to the inbox"
    DESTROY_HELD = "held mail is destroyed"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads, and what it brings about, in order."""

    to: State
    effects: tuple[Effect, ...] = ()


_INVITE = (Effect.RESTART_SCHEDULE, Effect.SEND_INVITATION)
# A link dies when what it was sent for changes; the new one is a round of its own, with all its days.
_INVITE_AGAIN = (Effect.NEW_LINK, Effect.FORGIVE_WRONG_BIRTHDATES, *_INVITE)

TABLE: dict[tuple[State, Event], Transition] = (
    {
        (State.AWAITING, Event.DETAILS): Transition(State.INVITED, _INVITE),
        (State.AWAITING, Event.JOINED): Transition(State.AWAITING),
        (State.AWAITING, Event.JOINED_LATE): Transition(State.AWAITING, (Effect.RESTART_SCHEDULE,)),
        (State.AWAITING, Event.UNANSWERED): Transition(State.AWAITING, (Effect.ASK_AGAIN,)),
        (State.AWAITING, Event.OUTAGE): Transition(State.AWAITING, (Effect.ASK_AGAIN,)),
        (State.AWAITING, Event.LAPSE_DUE): Transition(State.LAPSED, (Effect.DESTROY_HELD, Effect.TELL_LAPSED)),
        (State.AWAITING, Event.CANCEL): Transition(State.CANCELLED, (Effect.DESTROY_HELD,)),
        (State.AWAITING, Event.MOVED): Transition(State.AWAITING),
        (State.INVITED, Event.DETAILS): Transition(State.INVITED),
        (State.INVITED, Event.CORRECTED): Transition(State.INVITED, _INVITE_AGAIN),
        (State.INVITED, Event.JOINED): Transition(State.INVITED),
        (State.INVITED, Event.JOINED_LATE): Transition(State.INVITED, (Effect.RESTART_SCHEDULE, Effect.SEND_NEW_DAYS)),
        (State.INVITED, Event.REMINDER_DUE): Transition(State.INVITED, (Effect.SEND_REMINDER,)),
        (State.INVITED, Event.OUTAGE): Transition(State.INVITED, (Effect.SEND_NEW_DAYS,)),
        (State.INVITED, Event.REMIND): Transition(State.INVITED, (Effect.SEND_REMINDER,)),
        (State.INVITED, Event.WRONG_BIRTHDATE): Transition(State.INVITED, (Effect.COUNT_WRONG_BIRTHDATE,)),
        (State.INVITED, Event.LAST_WRONG_BIRTHDATE): Transition(
            State.LOCKED,
            (Effect.COUNT_WRONG_BIRTHDATE, Effect.RESTART_SCHEDULE, Effect.TELL_LOCKED, Effect.TELL_SHUT_OUT),
        ),
        (State.INVITED, Event.ACCEPT): Transition(State.ACCEPTED, (Effect.RELEASE_HELD, Effect.TELL_ACCEPTED)),
        (State.INVITED, Event.EXPIRY_DUE): Transition(State.EXPIRED, (Effect.RESTART_SCHEDULE, Effect.TELL_EXPIRED)),
        (State.INVITED, Event.BOUNCED): Transition(
            State.UNDELIVERABLE, (Effect.RESTART_SCHEDULE, Effect.TELL_UNDELIVERABLE)
        ),
        (State.INVITED, Event.CANCEL): Transition(State.CANCELLED, (Effect.DESTROY_HELD,)),
        # The newest link goes to the invitee's own address, whoever asked.
        (State.INVITED, Event.ASKED): Transition(State.INVITED, (Effect.SEND_REMINDER,)),
        (State.INVITED, Event.MOVED): Transition(State.INVITED, _INVITE_AGAIN),
        (State.LOCKED, Event.OUTAGE): Transition(State.LOCKED, (Effect.TELL_LOCKED,)),
        (State.EXPIRED, Event.OUTAGE): Transition(State.EXPIRED, (Effect.TELL_EXPIRED,)),
        (State.UNDELIVERABLE, Event.OUTAGE): Transition(State.UNDELIVERABLE, (Effect.TELL_UNDELIVERABLE,)),
        (State.LOCKED, Event.JOINED): Transition(State.LOCKED),
        (State.LOCKED, Event.JOINED_LATE): Transition(State.LOCKED, (Effect.RESTART_SCHEDULE,)),
        (State.UNDELIVERABLE, Event.JOINED): Transition(State.UNDELIVERABLE),
        (State.UNDELIVERABLE, Event.JOINED_LATE): Transition(State.UNDELIVERABLE, (Effect.RESTART_SCHEDULE,)),
        (State.UNDELIVERABLE, Event.MOVED): Transition(State.INVITED, _INVITE_AGAIN),
        # Writing again to somebody whose invitation ran out is inviting them again: nothing has to be corrected.
        (State.EXPIRED, Event.JOINED): Transition(State.INVITED, _INVITE_AGAIN),
    }
    | {
        (state, event): move
        for state in RESTING
        for event, move in {
            Event.ASKED: Transition(state, (Effect.TELL_ASKED,)),
            Event.REINVITE: Transition(State.INVITED, _INVITE_AGAIN),
            Event.CANCEL: Transition(State.CANCELLED, (Effect.DESTROY_HELD,)),
            Event.GRACE_OVER: Transition(State.LAPSED, (Effect.DESTROY_HELD, Effect.TELL_LAPSED)),
        }.items()
    }
    | {(state, Event.ASKED): Transition(state, (Effect.TELL_ASKED,)) for state in (State.CANCELLED, State.LAPSED)}
)


def step(state: State, event: Event) -> Transition | None:
    """The move that this event makes from this state; None where the event means nothing there."""
    return TABLE.get((state, event))


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.AWAITING}"]
    lines += [f"    {state} --> {move.to}: {event}" for (state, event), move in TABLE.items() if move.to != state]
    left = {state for (state, _), move in TABLE.items() if move.to != state}
    ends = sorted({move.to for move in TABLE.values()} - left)
    return "\n".join([*lines, *(f"    {end} --> [*]" for end in ends)])
