"""What the practice did in the weeks before the visitor comes, so that its manager's report has something to tell."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum, auto

from gateway.demo.browser import Browser
from gateway.demo.people import RECEPTION, Person
from gateway.demo.stage import Stage
from gateway.demo.story import RIGHT, Story, link


class Came(StrEnum):
    """How far somebody came with their invitation."""

    ASKED_ABOUT = auto()
    INVITED = auto()
    OPENED = auto()
    LOCKED = auto()
    REGISTERED = auto()
    READ = auto()


@dataclass(frozen=True, slots=True)
class Week:
    """Who was written to, so many days ago, and how far they came."""

    days_ago: int
    people: dict[str, Came]


WEEKS = (
    Week(70, {"Grace": Came.READ, "Hugo": Came.READ, "Iris": Came.INVITED, "Jack": Came.REGISTERED}),
    Week(45, {"Kim": Came.READ, "Mia": Came.READ, "Nina": Came.OPENED}),
    Week(20, {"Rosa": Came.READ, "Sam": Came.INVITED, "Theo": Came.OPENED, "Leo": Came.LOCKED, "Vera": Came.READ}),
    Week(3, {"Will": Came.INVITED, "Yann": Came.OPENED, "Zoe": Came.ASKED_ABOUT}),
)
SUBJECT = "Your appointment"


async def play(stage: Stage) -> None:
    """Let it happen, up to now; the mails of that time are in nobody's mailbox any more."""
    story = Story(stage)
    shown = WEEKS[0].days_ago
    stage.clock.begin(shown)
    for week in WEEKS:
        if week.days_ago < shown:
            stage.clock.move(shown - week.days_ago)
            await stage.settle()
            shown = week.days_ago
        await asyncio.gather(*(_write(story, name, came) for name, came in week.people.items()))
        await stage.settle()
    stage.clock.catch_up()
    await stage.settle()
    stage.sink.empty()


async def _write(story: Story, name: str, came: Came) -> None:
    to = Person(name, f"{name.lower()}@home.example", "a patient")
    details = "" if came is Came.ASKED_ABOUT else " patient 1980-02-03"
    await story.write(RECEPTION, to, f"[secure{details}] {SUBJECT}", "We look forward to seeing you on Tuesday.")
    match came:
        case Came.OPENED:
            await story.browse(to, Browser.open, link(await story.next(to, "invitation")))
        case Came.LOCKED:
            await story.guess_wrong(to, await story.next(to, "invitation"))
        case Came.REGISTERED | Came.READ:
            await story.register(to, await story.next(to, "invitation"), **RIGHT)
    if came is Came.READ:
        await story.browse(to, Browser.follow, SUBJECT)
