"""The catalogue of pages and states; see the package's docstring for how to add one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pyotp

from gateway.domain.model import Delivery, Passkey, Session
from gateway.domain.site import Site
from gateway.domain.vocabulary import Notice, Purpose
from gateway.edge.painter import ProcessPainter
from gateway.flow import notices
from gateway.flow.inbox import recall
from gateway.flow.stored_facts import for_template
from gateway.testing import FakeSignIn
from tests.browser import PASSWORD, Browser
from tests.mail import files
from tests.mail.calendars import calendar
from tests.mail.calendars import mail as meeting_mail
from tests.mail.test_signature import KEYS, cms, opaque
from tests.portal.test_enclosed import nested
from tests.portal.test_looking import mail as with_files
from tests.practice import COLLEAGUE_ELSEWHERE, COLLEAGUE_HERE, PATIENT, RESULTS, SITE, World, mail

Prepare = Callable[[World, Browser], Awaitable[None]]
RIGHT = {"day": "3", "month": "2", "year": "1980"}
WRONG = {"day": "4", "month": "2", "year": "1980"}
ROWS = "".join(
    f"<tr><td>{name}<td align=right>{value}<td>{unit}<td align=right style='color:#777'>{usual}"
    for name, value, unit, usual in (
        ("Haemoglobin", "132", "g/l", "120–155"),
        ("Leukocytes", "<b style='color:red'>12.9</b>", "10<sup>9</sup>/l", "4.0–10.0"),
        ("Ferritin", "<span style='background:yellow'>1,023</span>", "µg/l", "15–150"),
    )
)
MEANING = (
    "From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Your results\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n<h2>Warfarin</h2><p>Take <s>5 mg</s> 2 mg each evening.<a href='#n'>"
    "<sup>1</sup></a></p><ol start=4><li>Stop on Monday.<li>Begin <font color=green>apixaban</font> on Wednesday.</ol>"
    "<table border=1 width=100%><tr bgcolor='#ddeeff'><th>Test<th align=right>Value<th>Unit<th align=right>Usual range"
    f"{ROWS}</table><div style='white-space:pre-wrap;font-family:monospace'>Na    140\nK     4.1\nCRP   &lt;5</div>"
    "<p dir=rtl>נתראה ביום שלישי</p><p style='text-align:center;color:#800080'>See you on Tuesday</p>"
    "<p id=n style='font-size:8pt'>1. With food.</p>"
).encode()
HTML = (
    b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Your results\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html\r\n\r\n<h1>All is well</h1><p>Please <b>drink</b> more water.</p>"
    b"<table><tr><td>Iron</td><td>normal</td></tr></table>\r\n"
)
ATTACHED = (
    b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Your results\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee the letter.\r\n"
    b'--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="A letter.pdf"\r\n\r\n'
    b"%PDF-1.4\r\n--x--\r\n"
)


@dataclass(frozen=True)
class Scene:
    """A page in a state: its name, its path as PAGES has it ("" where none matches), and how to come there."""

    name: str
    path: str
    prepare: Prepare
    status: int = 200


SCENES: list[Scene] = []
ADA = "ada@riverside.example"
MANAGED = replace(SITE, practices=tuple(replace(one, managers=(ADA,)) for one in SITE.practices))


async def walked(scene: Scene, site: Site = MANAGED) -> Browser:
    """A browser that has come to where the scene is, in a world of its own."""
    world = World(site=site, sign_ins={"riverside": FakeSignIn(ADA)}, painter=ProcessPainter())
    browser = world.browser()
    await scene.prepare(world, browser)
    return browser


def scene(name: str, path: str, status: int = 200) -> Callable[[Prepare], Prepare]:
    """Add a scene to the catalogue. `status` is that of the page that is looked at."""

    def add(prepare: Prepare) -> Prepare:
        SCENES.append(Scene(name, path, prepare, status))
        return prepare

    return add


async def signed_in(world: World, browser: Browser, path: str = "/inbox") -> None:
    """Pat, who has an account, has signed in and opened this page."""
    await world.registered()
    await browser.sign_in()
    await browser.go(path)


async def invited(world: World, browser: Browser, details: object = PATIENT, to: str = "pat@home.example") -> None:
    """Somebody has followed the link of an invitation."""
    await browser.go(world.link(await world.invited(details, to=to)))


@scene("sign-in", "/sign-in")
async def _sign_in(world: World, browser: Browser) -> None:
    await browser.go("/sign-in")


@scene("home", "/")
async def _home(world: World, browser: Browser) -> None:
    await browser.go("/")


@scene("sign-in-wrong", "/sign-in", 422)
async def _sign_in_wrong(world: World, browser: Browser) -> None:
    await browser.go("/sign-in")
    await browser.press("Sign in", email="pat@home.example", password="not the one")


@scene("sign-in-throttled", "/sign-in", 429)
async def _throttled(world: World, browser: Browser) -> None:
    await browser.go("/sign-in")
    for _ in range(11):
        await browser.press("Sign in", email="pat@home.example", password="not the one")


@scene("invite-welcome", "/invite/{token}")
async def _welcome(world: World, browser: Browser) -> None:
    await invited(world, browser)


@scene("invite-verify-patient", "/invite/{token}")
async def _verify(world: World, browser: Browser) -> None:
    await invited(world, browser)
    await browser.press("Start")


@scene("invite-verify-wrong", "/invite/{token}")
async def _verify_wrong(world: World, browser: Browser) -> None:
    await _verify(world, browser)
    await browser.press("Continue", **WRONG)


@scene("invite-locked", "/invite/{token}", 422)
async def _locked(world: World, browser: Browser) -> None:
    await _verify(world, browser)
    for _ in range(3):
        await browser.press("Continue", **WRONG)


@scene("invite-verify-colleague-here", "/invite/{token}")
async def _verify_here(world: World, browser: Browser) -> None:
    await invited(world, browser, COLLEAGUE_HERE, "cleo@riverside.example")
    await browser.press("Start")


@scene("invite-stranger", "/invite/{token}")
async def _stranger(world: World, browser: Browser) -> None:
    await _verify_here(world, browser)
    await browser.press("Continue", organisation="no")


@scene("invite-verify-colleague-elsewhere", "/invite/{token}")
async def _verify_elsewhere(world: World, browser: Browser) -> None:
    await invited(world, browser, COLLEAGUE_ELSEWHERE, "omar@hillside.example")
    await browser.press("Start")


@scene("invite-password", "/invite/{token}")
async def _password(world: World, browser: Browser) -> None:
    await _verify(world, browser)
    await browser.press("Continue", **RIGHT)


@scene("invite-password-guessable", "/invite/{token}", 422)
async def _guessable(world: World, browser: Browser) -> None:
    await _password(world, browser)
    await browser.press("Continue", name="Pat", password="password1")


@scene("invite-check", "/invite/{token}")
async def _check(world: World, browser: Browser) -> None:
    await _password(world, browser)
    await browser.press("Continue", name="Pat", password=PASSWORD)


@scene("dead-link", "/invite/{token}", 404)
async def _dead_link(world: World, browser: Browser) -> None:
    await browser.go("/invite/no-such-token")


@scene("error", "", 404)
async def _error(world: World, browser: Browser) -> None:
    await browser.go("/no-such-page")


@scene("inbox-empty", "/inbox")
async def _inbox_empty(world: World, browser: Browser) -> None:
    await signed_in(world, browser)


@scene("inbox-full", "/inbox")
async def _inbox_full(world: World, browser: Browser) -> None:
    account = await world.registered()
    for number in range(30):
        await world.written(account, subject=f"Your results, part {number}")
    await browser.sign_in()


@scene("inbox-with-question", "/inbox")
async def _inbox_question(world: World, browser: Browser) -> None:
    await world.registered()
    await world.invited(PATIENT)
    await browser.sign_in()


async def _reading(world: World, browser: Browser, raw: bytes, more: str = "") -> None:
    copy = await world.written(await world.registered(), raw)
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}{more}")


@scene("message-text", "/messages/{copy_id:int}")
async def _text(world: World, browser: Browser) -> None:
    await _reading(world, browser, RESULTS)


@scene("message-meaning", "/messages/{copy_id:int}")
async def _meaning(world: World, browser: Browser) -> None:
    await _reading(world, browser, MEANING)


@scene("message-html", "/messages/{copy_id:int}")
async def _html(world: World, browser: Browser) -> None:
    await _reading(world, browser, HTML)


@scene("message-attachment", "/messages/{copy_id:int}")
async def _attachment(world: World, browser: Browser) -> None:
    await _reading(world, browser, ATTACHED)


@scene("message-signed", "/messages/{copy_id:int}")
async def _signed(world: World, browser: Browser) -> None:
    await _reading(world, browser, opaque(cms(KEYS["EC"])))


@scene("message-with-messages", "/messages/{copy_id:int}")
async def _with_messages(world: World, browser: Browser) -> None:
    await _reading(world, browser, nested(2))


@scene("message-enclosed", "/messages/{copy_id:int}/attachments/{trail:trail}/open")
async def _enclosed(world: World, browser: Browser) -> None:
    await _reading(world, browser, nested(2))
    await browser.go(f"{browser.response.url.path}/attachments/0/open")


@scene("message-meeting", "/messages/{copy_id:int}")
async def _meeting(world: World, browser: Browser) -> None:
    await _reading(world, browser, meeting_mail(calendar(more="RRULE:FREQ=WEEKLY;UNTIL=20260901T000000Z\n")))


LOOK = "/messages/{copy_id:int}/attachments/{trail:trail}/look"


async def _looking(world: World, browser: Browser, name: str, octets: bytes) -> None:
    await _reading(world, browser, with_files((name, octets)))
    await browser.go(f"{browser.response.url.path}/attachments/0/look")


@scene("look-at-pages", LOOK)
async def _look_at_pages(world: World, browser: Browser) -> None:
    await _looking(world, browser, "Result.pdf", files.pdf(pages=2))


@scene("look-at-a-card", LOOK)
async def _look_at_a_card(world: World, browser: Browser) -> None:
    await _looking(world, browser, "Dr Ada.vcf", files.CARD)


@scene("listen", LOOK)
async def _listen(world: World, browser: Browser) -> None:
    await _looking(world, browser, "Message.wav", files.wav())


@scene("look-at-nothing", LOOK)
async def _look_at_nothing(world: World, browser: Browser) -> None:
    await _looking(world, browser, "Locked.pdf", files.locked_pdf())


@scene("reply-begun", "/messages/{copy_id:int}/reply", 422)
async def _reply_begun(world: World, browser: Browser) -> None:
    await _reading(world, browser, RESULTS, "/reply")
    kept = [("attachments", ("Photo of the wound.jpg", b"x" * 20_000, "image/jpeg"))]
    await browser.press("Send", files=kept, body="", subject="My wound")


@scene("reply", "/messages/{copy_id:int}/reply")
async def _reply(world: World, browser: Browser) -> None:
    await _reading(world, browser, RESULTS, "/reply")


@scene("compose", "/compose")
async def _compose(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/compose")


@scene("profile", "/profile")
async def _profile(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile")


async def _asked(world: World, browser: Browser) -> None:
    await world.registered()
    invitation = await world.invited(PATIENT)
    await browser.sign_in()
    await browser.go(f"/questions/{invitation.id}")


@scene("question", "/questions/{invitation_id:int}")
async def _question(world: World, browser: Browser) -> None:
    await _asked(world, browser)


@scene("question-locked", "/questions/{invitation_id:int}", 422)
async def _question_locked(world: World, browser: Browser) -> None:
    await _asked(world, browser)
    for _ in range(3):
        await browser.press("Continue", **WRONG)


def _sender_link(world: World) -> str:
    today = world.clock.now().date().toordinal()
    return f"/sender/{world.keys.token(Purpose.SENDER_PAGE, 1, today)}"


@scene("staff", "/staff")
async def _staff(world: World, browser: Browser) -> None:
    await browser.go("/sign-in")
    await browser.follow("I work at a practice")


@scene("staff-no-answer", "/staff/{practice}", 502)
async def _staff_no_answer(world: World, browser: Browser) -> None:
    world.sign_ins["riverside"].address = ""
    await browser.go("/staff/riverside")


@scene("staff-not-theirs", "/staff/{practice}/back", 403)
async def _staff_not_theirs(world: World, browser: Browser) -> None:
    world.sign_ins["riverside"].address = "somebody@elsewhere.example"
    await _staff(world, browser)
    await browser.follow("Sign in at")


@scene("staff-late", "/staff/{practice}/back", 400)
async def _staff_late(world: World, browser: Browser) -> None:
    await browser.go("/staff/riverside/back?state=old&code=c")


@scene("sender-asked", "/sender/{token}")
async def _sender_asked(world: World, browser: Browser) -> None:
    await world.invited(None)
    await browser.go(_sender_link(world))


@scene("sender-list", "/sender/{token}")
async def _sender_list(world: World, browser: Browser) -> None:
    for number in range(5):
        await world.invited(PATIENT, to=f"patient-{number}@home.example")
    await browser.go(_sender_link(world))


@scene("sender-person", "/sender/{token}")
async def _sender_person(world: World, browser: Browser) -> None:
    await browser.go(world.link(await world.invited(PATIENT)))
    await browser.press("Start")
    await browser.press("Continue", **RIGHT)
    await browser.press("Continue", name="Pat", password="a teapot full of violets")
    await browser.press("Finish")
    await browser.go(_sender_link(world) + "?person=pat@home.example")


@scene("sender-answered", "/sender/{token}")
async def _sender_answered(world: World, browser: Browser) -> None:
    """Pat has answered the invitation by mail, with a file."""
    await world.receive(mail(subject="[secure patient 1980-02-03] Your results"))
    await world.deliver()
    invitation = next(one for _, one, _ in world.sent if one["X-Gateway-Notice"] == "invitation")
    answer = mail(
        invitation["Reply-To"], "Re: A secure message for you", "I have chest pain.", "Pat <pat@home.example>"
    )
    await world.receive(answer, mail_from="pat@home.example", trusted=False)
    await browser.go(_sender_link(world) + "?person=pat@home.example")


@scene("sender-details-wrong", "/sender/{token}", 422)
async def _sender_wrong(world: World, browser: Browser) -> None:
    await _sender_asked(world, browser)
    await browser.press("Invite", relationship="patient", day="30", month="2", year="1980")


@scene("sender-reminded", "/sender/{token}")
async def _sender_reminded(world: World, browser: Browser) -> None:
    await _sender_list(world, browser)
    await browser.press("Remind")
    await browser.press("Continue", sure="yes")


@scene("sender-sure-cancel", "/sender/{token}")
async def _sender_sure_cancel(world: World, browser: Browser) -> None:
    await _sender_list(world, browser)
    await browser.press("Cancel my message")


@scene("sender-sure-nothing-chosen", "/sender/{token}", 422)
async def _sender_sure_nothing(world: World, browser: Browser) -> None:
    await _sender_list(world, browser)
    await browser.press("Remind")
    await browser.press("Continue")


@scene("sender-sure-move", "/sender/{token}")
async def _sender_sure_move(world: World, browser: Browser) -> None:
    await world.invited(PATIENT)
    await browser.go(_sender_link(world) + "?person=pat@home.example")
    await browser.press("Move my message", place="patricia.longworth@a-very-long-name-indeed.example")


@scene("sender-sure-recall", "/sender/{token}")
async def _sender_sure_recall(world: World, browser: Browser) -> None:
    await _sender_person(world, browser)
    await browser.press("Take back", reason="It was meant for somebody else.")


@scene("sender-sure-list", "/sender/{token}")
async def _sender_sure_list(world: World, browser: Browser) -> None:
    await _sender_practice(world, browser)
    await browser.press("Download everybody")


@scene("sender-left-alone", "/sender/{token}")
async def _sender_left_alone(world: World, browser: Browser) -> None:
    await _sender_old_link(world, browser)
    await browser.press("Continue", sure="no")


@scene("sender-patients", "/sender/{token}")
async def _sender_patients(world: World, browser: Browser) -> None:
    for days, name in ((9, "Uma Ford"), (6, "Tim Field"), (6, "Noor Azmi"), (1, "Jo Marsh"), (0, "Pat Doe")):
        await world.invited(PATIENT, to=f"{name.lower().replace(' ', '.')}@home.example")
        world.clock.advance(days=days)
    await browser.go(world.link(await world.invited(PATIENT, to="kim.lee@home.example")))
    await browser.press("Start")
    await browser.press("Continue", **RIGHT)
    await browser.press("Continue", name="Kim Lee", password="a teapot full of violets")
    await browser.press("Finish")
    browser.forget()
    await browser.go(_sender_link(world) + "?show=patients")


@scene("sender-colleagues-none", "/sender/{token}")
async def _sender_colleagues(world: World, browser: Browser) -> None:
    await world.invited(PATIENT)
    await browser.go(_sender_link(world) + "?show=directory")


@scene("sender-practice", "/sender/{token}")
async def _sender_practice(world: World, browser: Browser) -> None:
    await _sender_list(world, browser)
    await browser.go(_sender_link(world) + "?show=practice")


@scene("sender-old-link", "/sender/{token}")
async def _sender_old_link(world: World, browser: Browser) -> None:
    await world.invited(PATIENT)
    old = _sender_link(world)
    world.clock.advance(days=8)
    await browser.go(old)


# ----------------------------------------------------------------------------------------------- more of the invitation


@scene("ask-again", "/invite/{token}")
async def _ask_again(world: World, browser: Browser) -> None:
    await browser.go("/invite/no-such-token?again")


@scene("asked-again", "/invite/{token}")
async def _asked_again(world: World, browser: Browser) -> None:
    await _ask_again(world, browser)
    await browser.press("Continue", sure="yes")


@scene("invite-begun", "/invite/{token}")
async def _begun(world: World, browser: Browser) -> None:
    await _password(world, browser)
    await browser.go(browser.path)


@scene("invite-colleague-errors", "/invite/{token}", 422)
async def _elsewhere_wrong(world: World, browser: Browser) -> None:
    await _verify_elsewhere(world, browser)
    await browser.press("Continue")


@scene("late", "/late")
async def _late(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/practice")
    await world.store.write(lambda tx: tx.remove(Session, id=1))
    await browser.press("Save", practice_name="Hillside Surgery", practice_phone="01 234", practice_address="2 Hill St")
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)


@scene("question-stranger", "/questions/{invitation_id:int}")
async def _question_stranger(world: World, browser: Browser) -> None:
    await world.registered("cleo@riverside.example", "Cleo")
    invitation = await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    await browser.go("/sign-in")
    await browser.press("Sign in", email="cleo@riverside.example", password=PASSWORD)
    await browser.go(f"/questions/{invitation.id}")
    await browser.press("Continue", organisation="no")


# --------------------------------------------------------------------------------------------------------- more of mail


async def _with_mail(world: World, browser: Browser, path: str) -> None:
    await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(path)


@scene("inbox-search", "/inbox")
async def _search(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/messages/1/reply")
    await browser.press("Send", body="Thank you: that all is well is good to hear.")
    await world.index()
    await browser.go("/inbox?q=all+is+well")


@scene("inbox-search-nothing", "/inbox")
async def _search_nothing(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/inbox?q=nothing+like+it")


@scene("inbox-drafts", "/inbox")
async def _drafts(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/messages/1/reply")
    await browser.press("Save as draft", body="Half a thought")


@scene("inbox-taken-back", "/inbox")
async def _taken_back(world: World, browser: Browser) -> None:
    copy = await world.written(await world.registered())
    await world.desk.do(recall.take_back, copy, "It was meant for somebody else.", "ada@riverside.example")
    await browser.sign_in()


@scene("message-unreadable", "/messages/{copy_id:int}")
async def _unreadable(world: World, browser: Browser) -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200))
    await _reading(world, browser, deep)


@scene("message-answered", "/messages/{copy_id:int}")
async def _answered(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/messages/1/reply")
    await browser.press("Send", body="Thank you.")


@scene("message-sent", "/sent/{message_id:int}")
async def _sent(world: World, browser: Browser) -> None:
    await _answered(world, browser)
    await browser.go("/sent/2")


@scene("reply-wrong", "/messages/{copy_id:int}/reply", 422)
async def _reply_wrong(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/messages/1/reply")
    await browser.press("Send")


@scene("compose-known", "/compose")
async def _compose_known(world: World, browser: Browser) -> None:
    await _with_mail(world, browser, "/compose")


# ------------------------------------------------------------------------------------------------------ more of account


@scene("reset", "/reset")
async def _reset(world: World, browser: Browser) -> None:
    await browser.go("/reset")


@scene("reset-sent", "/reset")
async def _reset_sent(world: World, browser: Browser) -> None:
    await world.registered()
    await browser.go("/reset")
    await browser.press("Send me the link", email="pat@home.example")


@scene("reset-new-password", "/reset/{token}")
async def _new_password(world: World, browser: Browser) -> None:
    await _reset_sent(world, browser)
    [sent] = await world.rows(Delivery, notice=Notice.PASSWORD_RESET)
    facts = for_template(world.keys, notices.unseal(world.keys, sent).facts)
    await browser.go(f"/reset/{facts['reset']}")


@scene("reset-dead", "/reset/{token}", 404)
async def _reset_dead(world: World, browser: Browser) -> None:
    await browser.go("/reset/no-such-token")


@scene("profile-name", "/profile/name")
async def _name(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/name")


@scene("profile-practice", "/profile/practice")
async def _practice(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/practice")


@scene("profile-delivery", "/profile/delivery")
async def _delivery(world: World, browser: Browser) -> None:
    await world.registered("omar@hospital.example", "Omar")
    await browser.go("/sign-in")
    await browser.press("Sign in", email="omar@hospital.example", password=PASSWORD)
    await browser.go("/profile/delivery")


@scene("profile-password-wrong", "/profile/password", 422)
async def _own_password(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/password")
    await browser.press("Save", old="not the one", password="violets in a teapot")


@scene("profile-sessions", "/profile/sessions")
async def _sessions(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    browser.forget()
    await browser.sign_in()
    await browser.go("/profile/sessions")


@scene("profile-erase", "/profile/erase")
async def _erase(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/erase")


@scene("profile-download", "/profile/download")
async def _download(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/download")


@scene("security", "/profile/security")
async def _security(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/security")


@scene("codes", "/profile/codes")
async def _codes(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/codes")


async def _with_codes(world: World, browser: Browser) -> None:
    await _codes(world, browser)
    secret = browser.page.css_first("li .key").text().replace(" ", "").strip()
    await browser.press("Turn codes on", code=pyotp.TOTP(secret).at(world.clock.now()), password=PASSWORD)


@scene("security-with-codes", "/profile/security")
async def _security_codes(world: World, browser: Browser) -> None:
    await _with_codes(world, browser)


@scene("codes-off", "/profile/codes/off")
async def _codes_off(world: World, browser: Browser) -> None:
    await _with_codes(world, browser)
    await browser.go("/profile/codes/off")


@scene("codes-off-wrong", "/profile/codes/off", 422)
async def _codes_off_wrong(world: World, browser: Browser) -> None:
    await _codes_off(world, browser)
    await browser.press("Stop asking", password=PASSWORD)


@scene("recovery", "/profile/recovery")
async def _recovery(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/recovery")


@scene("recovery-codes", "/profile/recovery")
async def _recovery_codes(world: World, browser: Browser) -> None:
    await _recovery(world, browser)
    await browser.press("Make recovery codes", password=PASSWORD)


@scene("passkey-add", "/profile/passkeys/add")
async def _passkey(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/passkeys/add")


@scene("passkey-remove", "/profile/passkeys/{passkey_id:int}/remove")
async def _passkey_remove(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    known = {"account_id": 1, "credential": b"c", "public_key": b"k", "sign_count": 0, "name": "My phone"}
    row = Passkey(**known, created_at=world.clock.now())
    await world.store.write(lambda tx: tx.add(row))
    await browser.go("/profile/passkeys/1/remove")


@scene("second-step", "/sign-in")
async def _second_step(world: World, browser: Browser) -> None:
    await _with_codes(world, browser)
    browser.forget()
    await browser.sign_in()


@scene("second-step-wrong", "/sign-in", 422)
async def _second_step_wrong(world: World, browser: Browser) -> None:
    await _second_step(world, browser)
    await browser.press("Continue", code="000000")


@scene("inbox-damaged", "/inbox")
async def _inbox_damaged(world: World, browser: Browser) -> None:
    account = await world.registered()
    copies = [await world.written(account) for _ in range(3)]
    altered = replace(copies[1], wrapped_key=b"altered")
    await world.store.write(lambda tx: tx.put(altered))
    await browser.sign_in()


@scene("message-damaged", "/messages/{copy_id:int}", 410)
async def _message_damaged(world: World, browser: Browser) -> None:
    await _inbox_damaged(world, browser)
    await browser.go("/messages/2")


# -------------------------------------------------------------------------------------------------------- a new address


async def _token(world: World, notice: Notice, fact: str) -> str:
    [sent] = await world.rows(Delivery, notice=notice)
    return str(for_template(world.keys, notices.unseal(world.keys, sent).facts)[fact])


@scene("address", "/profile/address")
async def _address(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/address")


@scene("address-wrong", "/profile/address", 422)
async def _address_wrong(world: World, browser: Browser) -> None:
    await _address(world, browser)
    await browser.press("Send the link", email="no address", password=PASSWORD)


@scene("address-sent", "/profile/address")
async def _address_sent(world: World, browser: Browser) -> None:
    await _address(world, browser)
    await browser.press("Send the link", email="patricia.longworth@a-very-long-name-indeed.example", password=PASSWORD)


@scene("profile-address-awaited", "/profile")
async def _address_awaited(world: World, browser: Browser) -> None:
    await _address_sent(world, browser)
    await browser.go("/profile")


@scene("address-confirm", "/profile/address/{token}")
async def _address_confirm(world: World, browser: Browser) -> None:
    await _address_sent(world, browser)
    await browser.go(f"/profile/address/{await _token(world, Notice.NEW_ADDRESS, 'confirm')}")


@scene("profile-address-changed", "/profile")
async def _address_changed(world: World, browser: Browser) -> None:
    await _address_confirm(world, browser)
    await browser.press("Continue", sure="yes")


@scene("address-taken", "/profile/address/{token}", 409)
async def _address_taken(world: World, browser: Browser) -> None:
    await _address_confirm(world, browser)
    await world.registered("patricia.longworth@a-very-long-name-indeed.example", "Uma")
    await browser.press("Continue", sure="yes")


@scene("address-dead", "/profile/address/{token}", 404)
async def _address_dead(world: World, browser: Browser) -> None:
    await signed_in(world, browser, "/profile/address/no-such-token")


@scene("address-keep", "/address/{token}")
async def _address_keep(world: World, browser: Browser) -> None:
    await _address_sent(world, browser)
    await browser.go(f"/address/{await _token(world, Notice.ADDRESS_CHANGED, 'keep')}")


@scene("address-kept", "/reset/{token}")
async def _address_kept(world: World, browser: Browser) -> None:
    await _address_keep(world, browser)
    await browser.press("Continue", sure="yes")
