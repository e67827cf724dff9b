"""What goes wrong: outages, stops, kills, clocks that are set, settings that change, a disk that fills."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum

from tests.soak import town as mail
from tests.soak.calendar import Rules
from tests.soak.strangers import stranger
from tests.soak.town import Town

AT_FIRST = Rules((1, 3), expire=4, grace=3, lapse=3)
BURST = 3
"""Mails of a kind that come in while it is killed."""


class Incident(StrEnum):
    NEW_RULES = "settings changed, restart"
    HOP_DOWN = "hop down"
    DISK_FULL = "disk full"
    STEP_AHEAD = "clock set ahead"
    HOP_DEFERS = "hop answers 4xx"
    STOPPED = "gateway stopped for hours"
    STEP_BACK = "clock set back"
    MAILBOX_DOWN = "mailbox server down"


RESTARTS = (Incident.NEW_RULES, Incident.STOPPED)
"""What ends the process: left out of the last third, in which its memory is watched."""
BY_DAY = (Incident.DISK_FULL, Incident.STOPPED)
"""What keeps timed work from being done: between ten and five, so that it is known when it is done."""


def rules(chance: random.Random) -> Rules:
    """Some settings, with lives short enough that a month sees them end."""
    expire = chance.randint(2, 5)
    reminders = sorted(chance.sample(range(1, expire + 1), chance.randint(0, 2)))
    return Rules(tuple(reminders), expire, grace=chance.randint(2, 3), lapse=chance.randint(2, 3))


def happen(town: Town, incident: Incident) -> None:
    """Let it happen now; where it lasts, its end is entered into the agenda. Raises LookupError: not now."""
    site, chance = town.site, town.chance
    if not (site.is_up and site.is_writable):
        raise LookupError("one thing after the other")
    match incident:
        case Incident.HOP_DOWN:
            _outage(town, chance.uniform(2, 12), site.hop_goes_down)
        case Incident.HOP_DEFERS:
            _outage(town, chance.uniform(2, 12), site.hop_defers)
        case Incident.NEW_RULES:
            site.settle()
            site.follow(rules(chance))
        case Incident.STOPPED:
            site.fall()
            town.later(chance.uniform(1, 5), "the gateway is started", site.rise)
        case Incident.STEP_AHEAD:
            site.settle()
            site.turn(chance.uniform(3, 30))
            site.catch_up()
        case Incident.STEP_BACK:
            site.settle()
            site.turn(-chance.uniform(1, 3))
            site.catch_up()
        case Incident.DISK_FULL:
            site.fill_disk()
            town.later(chance.uniform(1, 5), "the disk has room again", site.empty_disk)
        case Incident.MAILBOX_DOWN:
            site.dovecot.stop()
            town.later(chance.uniform(1, 5), "the mailbox is back", site.dovecot.start)


def _outage(town: Town, hours: float, begin: Callable[[], None]) -> None:
    begin()
    town.outages.append((town.now, town.now + timedelta(hours=hours)))
    town.later(hours, "the hop is back", town.site.hop_is_back)


def kill(town: Town) -> None:
    """kill -9 while mail comes in and people visit."""
    if not (town.site.is_up and town.site.is_writable):
        return

    def work() -> None:
        for _ in range(BURST):
            mail.ordinary(town)
            mail.to_registered(town)
        stranger(town)
        town.agenda.hasten(town.now, 3 * BURST)

    wait = town.chance.uniform(0, 0.5)
    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(work)
        time.sleep(wait)
        town.site.kill()
        working.result()
