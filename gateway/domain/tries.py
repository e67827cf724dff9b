"""How many birthdates may be compared: some in a round, which is one link, and a few rounds together.

A round ends with the third wrong birthdate, or when the sender corrects something and a new link goes out.
"""

from gateway.domain.model import Invitation
from gateway.domain.site import Rhythm


def left(invitation: Invitation, rhythm: Rhythm) -> int:
    """How many may still be compared under this link."""
    this_round = min(rhythm.birthdate_attempts, _in_all(rhythm) - invitation.wrong_birthdates_before)
    return max(this_round - invitation.wrong_birthdates, 0)


def used_up(invitation: Invitation, rhythm: Rhythm) -> bool:
    """Whether wrong birthdates, over all rounds, leave none to try."""
    return invitation.wrong_birthdates_before + invitation.wrong_birthdates >= _in_all(rhythm)


def _in_all(rhythm: Rhythm) -> int:
    return rhythm.birthdate_attempts * rhythm.rounds
