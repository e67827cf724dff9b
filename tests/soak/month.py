"""The month itself: the clock goes on step by step, and everybody does what is due."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tests.soak import figures, incidents
from tests.soak.agenda import Agenda
from tests.soak.calendar import ZONE
from tests.soak.incidents import BY_DAY, RESTARTS, Incident
from tests.soak.ledger import Ledger, Reckoning, reckon
from tests.soak.site import Site
from tests.soak.strangers import stranger
from tests.soak.town import Town, by_mailbox, ordinary, refused, to_registered

STEP = 0.1
"""Hours by which the clock goes on at a time, or more where the days are short."""
LOOK = 0.05
"""Seconds between two looks of the gateway at its clock."""
AFTERWARDS = 12
"""Days without new mail at the end, in which all that lives comes to its end."""
HASTE = 4
"""How much faster these go by."""
TIMED = (9, 24)
"""The hours of timed work: what is due then is done before the clock goes on, however busy the machine is."""
BRIEFEST = 1.0
"""Seconds of a day, at least, when time runs short."""
SHARE = 0.85
"""Of the minutes: the month; the rest is for starting, draining and reading."""
LEAST = 0.02
"""Seconds between two looks at the clock, at least."""
POSTS = {ordinary: 12, refused: 1, to_registered: 5, stranger: 6, by_mailbox: 1}
"""How often there is mail of a kind."""


@dataclass(frozen=True, slots=True)
class Options:
    days: int = 30
    minutes: float = 10
    seed: int = 1
    mails: int = 50
    """Mails a day, besides those that come of them."""
    by_command: bool = True
    """Whether the gateway is started as an administrator does it, so that its memory is its own."""


@dataclass(slots=True)
class Result:
    reckoning: Reckoning
    days: list[figures.Day]
    incidents: Counter[str]
    seconds: float
    disk: str


@dataclass(slots=True)
class Month:
    """One run."""

    options: Options
    town: Town
    happened: Counter[str] = field(default_factory=Counter)
    days: list[figures.Day] = field(default_factory=list)
    _due: float = 0.0

    def run(self) -> None:
        options = self.options
        ends = time.monotonic() + options.minutes * 60 * SHARE
        deck = _deck(options, self.town.chance)
        for day in range(options.days):
            self._plan(day, deck)
            pace = max((ends - time.monotonic()) / (options.days - day + AFTERWARDS / HASTE), BRIEFEST)
            self._pass_day(pace, day)
        self.town.agenda.add(self.town.now, "the hop is back", self.town.site.hop_is_back)
        for day in range(options.days, options.days + AFTERWARDS):
            self._pass_day(pace / HASTE, day)

    def _plan(self, day: int, deck: list[Incident]) -> None:
        """Enter a day into the agenda, from midnight to midnight by the site's clock."""
        town, chance = self.town, self.town.chance
        midnight = _midnight(town.now)
        for post in chance.choices(list(POSTS), list(POSTS.values()), k=self.options.mails):
            self._at(midnight, chance.uniform(7, 19), "a mail", partial(post, town))
        for incident in sorted(deck[2 * day : 2 * day + 2], key=lambda one: one not in BY_DAY):
            start = chance.uniform(10, 12) if incident in BY_DAY else chance.uniform(17, 23)
            self._happen(midnight, start, incident, partial(incidents.happen, town, incident))
        if day < self.options.days * 2 // 3:
            for hour in chance.sample([9.0, chance.uniform(9, 10), chance.uniform(13, 24), 24.0], chance.randint(0, 2)):
                self._happen(midnight, hour, "kill -9", partial(incidents.kill, town))

    def _at(self, midnight: datetime, hours: float, what: str, act: Callable[[], object]) -> None:
        self.town.agenda.add(midnight + timedelta(hours=hours), what, act)

    def _happen(self, midnight: datetime, hours: float, what: str, act: Callable[[], object]) -> None:
        def happen() -> None:
            act()
            self.happened[what] += 1

        self._at(midnight, hours, what, happen)

    def _pass_day(self, pace: float, day: int) -> None:
        """Until the next midnight, in so many seconds; a clock that was set ahead makes it shorter."""
        town = self.town
        end = _midnight(town.now) + timedelta(days=1)
        step = max(STEP, 24 * LOOK / pace)
        while town.now < end:
            self._due = max(self._due, time.monotonic() - pace) + pace * step / 24
            before = town.now
            town.site.turn(step)
            if any(before < _midnight(before) + timedelta(hours=hour) <= town.now for hour in TIMED):
                town.site.catch_up()  # before anybody writes: to the gateway it is the new day by then
            town.agenda.run(town.now)
            time.sleep(max(self._due - time.monotonic(), LEAST))
        with suppress(OSError):
            self.days.append(figures.measure(town.site.served, day + 1, town.kept_files))


def _midnight(now: datetime) -> datetime:
    return now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


def _deck(options: Options, chance: random.Random) -> list[Incident]:
    """Two incidents for each day, each as often as any other; in the last third none that ends the process."""
    early, late = options.days * 2 // 3, options.days - options.days * 2 // 3
    calm = [one for one in Incident if one not in RESTARTS]
    return _dealt(list(Incident), 2 * early, chance) + _dealt(calm, 2 * late, chance)


def _dealt(kinds: list[Incident], count: int, chance: random.Random) -> list[Incident]:
    """Round after round; the first as it stands, so that a short run has what matters most."""
    dealt = list(kinds)
    while len(dealt) < count:
        dealt += chance.sample(kinds, len(kinds))
    return dealt[:count]


def live(options: Options, folder: Path) -> Result:
    """Start everything, let the month go by, let what waits arrive, and reckon."""
    begun = time.monotonic()
    chance = random.Random(options.seed)  # noqa: S311 - a story, not a secret
    ledger = Ledger()
    site = Site(folder, incidents.AT_FIRST, ledger, by_command=options.by_command)
    town = Town(site, ledger, Agenda(ledger), chance, options.seed)
    month = Month(options, town)
    with closing(site):
        site.start()
        month.run()
        _close_the_books(town)
        return Result(reckon(ledger), month.days, month.happened, time.monotonic() - begun, site.disk_is)


def _close_the_books(town: Town) -> None:
    """What waits arrives; then everybody looks what they have."""
    town.site.drain()
    for one in town.strangers:
        one.settle()
    town.read_all()
    for one in town.strangers:
        one.see_link()
    town.ledger.arrivals += town.site.mailroom.arrivals
    town.ledger.notes += [f"log: {line}" for line in town.site.errors()]
    town.ledger.notes += [f"has not ended: the invitation of {who}, {state}" for who, state in town.site.unended()]
