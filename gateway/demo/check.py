"""`gateway demo --check`: the whole story without a person, a line for each step."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.demo import mail
from gateway.demo.browser import Browser
from gateway.demo.mail import File
from gateway.demo.people import ADA, CLEO, OMAR, PAT, Person
from gateway.demo.stage import staged, until_stopped
from gateway.demo.story import RIGHT, Story, Unexpected, expect, link

BODY = "Your haemoglobin is fine; the sample of Tuesday was 13.8."
SUBJECT = "Your results of Tuesday"
TIM = Person("Tim", "tim@home.example", "a patient whose birthdate was mistyped")
UMA = Person("Uma", "uma@home.example", "a patient who never answers")


# ----------------------------------------------------------------------------------------------------------- the steps


async def _patient(story: Story) -> None:
    """Dr Ada's secure mail to Pat is held; Pat is invited, proves her birthdate, registers and reads"""
    report = File("report.txt", "text/plain", b"13.8 g/dl")
    await story.write(ADA, PAT, f"[secure] {SUBJECT}", BODY, report)
    receipt = await story.next(ADA, "receipt")
    await story.reply(ADA, receipt, "PATIENT 1980-02-03")
    await story.next(ADA, "transcript")
    invitation = await story.next(PAT, "invitation")
    inbox = await story.register(PAT, invitation, **RIGHT)
    await story.next(ADA, "accepted")
    expect(SUBJECT in inbox.text, inbox.text)
    page = await story.browse(PAT, lambda browser: browser.follow(SUBJECT))
    expect(BODY in page.text and "report.txt" in page.text, page.text)
    used = await asyncio.to_thread(Browser().open, link(invitation))
    expect(used.status == 404, f"a used link answers {used.status}")


async def _attachment(story: Story) -> None:
    """Pat opens the attachment"""
    browser = await story.browse(PAT, lambda browser: browser.follow("report.txt"))
    expect(browser.octets.strip() == b"13.8 g/dl", browser.octets)


async def _answers(story: Story) -> None:
    """Pat answers; it reaches Dr Ada's own mailbox, and Dr Ada answers by pressing Reply"""

    def write(browser: Browser) -> Browser:
        return browser.open("/inbox").follow(SUBJECT).follow("Answer").send(body="Thank you, doctor.")

    page = await story.browse(PAT, write)
    expect(page.status == 200, page.text)
    answer = await story.next(ADA, "reply")
    expect("Thank you, doctor." in answer.text, answer.text)
    expect(answer.answer_to.startswith("reply+"), answer.answer_to)
    await story.reply(ADA, answer, "You are welcome.")
    await story.next(PAT, "new-message")


async def _later_mail(story: Story) -> None:
    """Later mail to Pat goes to her account, with no new invitation"""
    await story.write(ADA, PAT, "[secure] One more thing", "Please drink more water.")
    await story.next(PAT, "new-message")
    inbox = await story.browse(PAT, lambda browser: browser.open("/inbox"))
    expect("One more thing" in inbox.text, inbox.text)


async def _colleague_here(story: Story) -> None:
    """Cleo, a colleague at the practice, confirms where she works and reads"""
    await story.write(ADA, CLEO, "[secure] The rota", "You have Monday.")
    await story.reply(ADA, await story.next(ADA, "receipt"), "CLINICIAN")
    inbox = await story.register(CLEO, await story.next(CLEO, "invitation"), organisation="yes")
    expect("The rota" in inbox.text, inbox.text)


async def _colleague_elsewhere(story: Story) -> None:
    """Dr Omar, a colleague at another practice, gives its details and reads"""
    await story.write(ADA, OMAR, "[secure] A referral", "Please see this patient.")
    await story.reply(ADA, await story.next(ADA, "receipt"), "COLLEAGUE")
    practice = {
        "practice_name": "Hillside Surgery",
        "practice_phone": "01632 960001",
        "practice_address": "1 Hill Street",
    }
    inbox = await story.register(OMAR, await story.next(OMAR, "invitation"), **practice)
    expect("A referral" in inbox.text, inbox.text)


async def _lock_out(story: Story) -> None:
    """Three wrong birthdates lock Tim out; Dr Ada corrects the date in one reply, and he gets in by a new link"""
    await story.write(ADA, TIM, "[secure patient 1980-03-03] A letter", "Dear Tim")
    old = await story.next(TIM, "invitation")
    await story.guess_wrong(TIM, old)
    await story.reply(ADA, await story.next(ADA, "locked"), "PATIENT 3 February 1980")
    new = await story.next(TIM, "invitation")
    dead = await asyncio.to_thread(Browser().open, link(old))
    expect(dead.status == 404 and link(new) != link(old), dead.status)
    inbox = await story.register(TIM, new, **RIGHT)
    expect("A letter" in inbox.text, inbox.text)


async def _calendar(story: Story) -> None:
    """Uma is reminded on days 3, 15 and 30, then her invitation expires; LIST shows her with the orange triangle"""
    await story.write(ADA, UMA, "[secure patient 1990-01-01] A letter", "Dear Uma")
    receipt = await story.next(ADA, "receipt")
    await story.next(UMA, "invitation")
    await story.reply(ADA, receipt, "LIST")
    while "▲" not in (transcript := await story.next(ADA, "transcript")).text:
        pass  # the answers to earlier commands
    expect(UMA.address in transcript.text and "not accepted yet" in transcript.text, transcript.text)
    for days in (3, 12, 15):
        await story.stage.move(days)
        await story.next(UMA, "reminder")
    await story.stage.move(1)
    expired = await story.next(ADA, "expired")
    await story.reply(ADA, expired, "INVITE")
    await story.next(UMA, "invitation")


async def _ordinary_mail(story: Story) -> None:
    """Mail that is not secure passes octet for octet, but for our Received field"""
    sent = await story.write(ADA, OMAR, "Lunch?", "At noon.")
    await story.stage.settle()
    passed = [kept.octets for kept in story.stage.sink.mails(OMAR.address) if kept.octets.endswith(sent)]
    expect(len(passed) == 1 and passed[0].startswith(b"Received: "), passed)


async def _nothing_in_clear(story: Story) -> None:
    """No content, subject or birthdate of secure mail lies in clear on the disk, or stands in any notice"""
    secrets = [BODY.encode(), SUBJECT.encode(), b"1980-02-03", b"19800203"]
    files = [path for path in story.stage.folder.rglob("*") if path.is_file()]
    expect(len(files) > 1, files)
    letters = [kept.octets for box in story.stage.sink.mailboxes() for kept in story.stage.sink.mails(box)]
    notices = [octets for octets in letters if mail.read(octets).notice not in ("", "reply")]
    for where in [path.read_bytes() for path in files] + notices:
        found = [secret for secret in secrets if secret in where]
        expect(not found, found)


STEPS: tuple[Callable[[Story], Awaitable[None]], ...] = (
    _patient,
    _attachment,
    _answers,
    _later_mail,
    _colleague_here,
    _colleague_elsewhere,
    _lock_out,
    _calendar,
    _ordinary_mail,
    _nothing_in_clear,
)


async def walk() -> int:
    """Take every step; 0, or 1 at the first that fails."""
    async with staged() as stage:
        story = Story(stage)
        for step in STEPS:
            says = (step.__doc__ or "").strip()
            try:
                await step(story)
            except (Unexpected, LookupError, TimeoutError, mail.NotTaken) as seen:
                print(f"FAILED  {says}\n        {type(seen).__name__}: {seen}", flush=True)
                return 1
            print(f"ok      {says}", flush=True)
    return 0


async def run() -> int:
    """The command's exit code."""
    code = await until_stopped(walk())
    return 1 if code is None else code
