"""What an invitee's own mail system may tell us of them."""

from enum import StrEnum


class Heard(StrEnum):
    """What an invitee's mail system has told us since their link was sent."""

    AWAY = "away"
    """an automatic answer: they may be away"""
    DELAYED = "delayed"
    """their mail system still tries to take our mail"""
    RETURNED = "returned"
    """our mail came back, for a reason that may pass"""
