"""A walk through the gateway without a person: what is sent, what comes, what a browser does."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec

from gateway.demo import mail
from gateway.demo.browser import Browser
from gateway.demo.mail import Draft, File, Letter
from gateway.demo.people import Person
from gateway.demo.stage import Stage

P = ParamSpec("P")

PATIENCE = 15.0
"""Seconds to wait for a mail."""
PASSWORD = "a teapot full of violets"  # noqa: S105 - of a sample person
RIGHT = {"day": "3", "month": "2", "year": "1980"}
WRONG = {"day": "2", "month": "3", "year": "1980"}


class Unexpected(Exception):
    """A step did not go as it should; the text says what was seen."""


def expect(held: bool, seen: object) -> None:
    """Raises Unexpected."""
    if not held:
        raise Unexpected(str(seen)[:500])


@dataclass(slots=True)
class Story:
    """The walk through, with what has to be remembered from step to step."""

    stage: Stage
    taken: set[int] = field(default_factory=set)
    browsers: dict[str, Browser] = field(default_factory=dict)

    async def next(self, to: Person, notice: str) -> Letter:
        """The next mail of this kind to a person; each is taken once."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for kept in self.stage.sink.mails(to.address):
                    letter = mail.read(kept.octets)
                    if kept.number not in self.taken and letter.notice == notice:
                        self.taken.add(kept.number)
                        return letter
                await self.stage.sink.arrival()

    async def write(self, author: Person, to: Person, subject: str, body: str, *files: File) -> bytes:
        self.stage.clock.pass_by(minutes=2)  # so that it is not one of a run, which shares a digest
        return await self.stage.send(author, Draft(to.address, subject, body), files)

    async def reply(self, author: Person, letter: Letter, typed: str) -> None:
        await self.stage.send(author, mail.answer(letter, self.stage.local_time, typed))

    async def browse(
        self, person: Person, act: Callable[Concatenate[Browser, P], Browser], *args: P.args, **kwargs: P.kwargs
    ) -> Browser:
        browser = self.browsers.setdefault(person.address, Browser())
        return await asyncio.to_thread(act, browser, *args, **kwargs)

    async def guess_wrong(self, person: Person, invitation: Letter) -> Browser:
        """Give three wrong birthdates."""

        def guess(browser: Browser) -> Browser:
            browser.open(link(invitation)).send()
            for _ in range(3):
                browser.send(**WRONG)
            return browser

        return await self.browse(person, guess)

    async def register(self, person: Person, invitation: Letter, **proof: str) -> Browser:
        """From the invitation's link to the inbox."""
        answers = {"name": person.name, "password": PASSWORD, **proof}

        def walk(browser: Browser) -> Browser:
            browser.open(link(invitation))
            for _ in range(4):
                browser.send(**answers)
            return browser

        browser = await self.browse(person, walk)
        expect("/inbox" in browser.url, browser.text)
        return browser


def link(letter: Letter) -> str:
    """The link of an invitation."""
    found = re.search(r"https?://\S+/invite/[a-z2-7]+", letter.text)
    expect(found is not None, letter.text)
    return found[0] if found else ""
