"""What each link and each reply address opens: a token opens the parts that stand beside its purpose, and no other."""

from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.vocabulary import Purpose


class Part(StrEnum):
    """Something that a token can open."""

    REGISTERING = "an invitation's page, and asking for a new one"
    ONE_PERSON = "a sender's page about one person: how they stand, and what can be done"
    OWN_PEOPLE = "the sender's page about everybody: whom they wait for, the practice's colleagues and patients"
    PRACTICE = "for a manager: how far the practice's invitations come, and its list as a file"
    NEW_PASSWORD = "a new password"  # noqa: S105 - what a link leads to
    CONFIRMING = "a new address, to be confirmed by whoever is signed in"
    CALLING_BACK = "the old address, to be kept"
    COMMANDS = "what its sender says to the gateway by mail"
    ANSWERS = "a reader's inbox, for an answer by mail"
    PEOPLES_WORDS = "what an invited or registered person answers to our mail, for who wrote to them"
    ADMINISTRATION = "the administrator's pages, on their own listener, once"
    BOUNCES = "what became of a mail of ours"


OPENS: Mapping[Purpose, frozenset[Part]] = {
    Purpose.INVITE: frozenset({Part.REGISTERING}),
    Purpose.WAITING_SENDER: frozenset({Part.COMMANDS}),
    Purpose.MESSAGE: frozenset({Part.COMMANDS}),
    Purpose.SENDER: frozenset({Part.COMMANDS}),
    Purpose.INVITATION_PAGE: frozenset({Part.ONE_PERSON}),
    Purpose.SENDER_PAGE: frozenset({Part.ONE_PERSON, Part.OWN_PEOPLE, Part.PRACTICE}),
    Purpose.CONFIRM: frozenset({Part.COMMANDS}),
    Purpose.QUESTION: frozenset({Part.COMMANDS}),
    Purpose.REPLY: frozenset({Part.ANSWERS}),
    Purpose.ANSWER: frozenset({Part.PEOPLES_WORDS}),
    Purpose.READER: frozenset({Part.PEOPLES_WORDS}),
    Purpose.BOUNCE: frozenset({Part.BOUNCES}),
    Purpose.RESET: frozenset({Part.NEW_PASSWORD}),
    Purpose.NEW_ADDRESS: frozenset({Part.CONFIRMING}),
    Purpose.ADMIN: frozenset({Part.ADMINISTRATION}),
    Purpose.OLD_ADDRESS: frozenset({Part.CALLING_BACK}),
}


def that_open(part: Part) -> tuple[Purpose, ...]:
    """The purposes of the tokens that open this part."""
    return tuple(purpose for purpose, parts in OPENS.items() if part in parts)
