"""How many mails at once a hop is given: as much as it takes gladly, less when it pushes back.

As in RFC 5681 §3.1: twice as many after each round that went well, until the hop has pushed back once; from half of
what it had then, one more a round.
"""

from dataclasses import dataclass

FIRST = 2
MOST = 20


@dataclass(slots=True)
class Pace:
    """The pace of one hop; `at_once` is what it is given now."""

    at_once: int = FIRST
    _round: int = 0
    _well: int = 0
    _pushed_back: bool = False

    def begin(self) -> int:
        """A mail is handed over; tell the outcome with the number that this returns."""
        return self._round

    def went_well(self) -> None:
        """The hop took a mail, or refused it for good: it keeps up."""
        self._well += 1
        if self._well >= self.at_once:
            more = 1 if self._pushed_back else self.at_once
            self.at_once, self._well = min(self.at_once + more, MOST), 0

    def pushed_back(self, begun: int) -> None:
        """The hop had no time, or could not be reached; mails of one round that fail together count once."""
        if begun == self._round:
            self.at_once, self._well = max(self.at_once // 2, 1), 0
            self._round += 1
            self._pushed_back = True
