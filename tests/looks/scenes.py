"""The catalogue of pages and states; see the package's docstring for how to add one."""

from collections.abc import Callable
from dataclasses import dataclass

import pyotp
from playwright.sync_api import Page

from gateway.domain.model import Delivery, Passkey
from gateway.domain.vocabulary import Notice, Purpose
from gateway.flow import notices, recall
from tests.browser import PASSWORD
from tests.looks.stage import Stage
from tests.practice import COLLEAGUE_ELSEWHERE, COLLEAGUE_HERE, PATIENT, RESULTS

Prepare = Callable[[Stage, Page], None]
RIGHT = {"day": "3", "month": "2", "year": "1980"}
WRONG = {"day": "4", "month": "2", "year": "1980"}
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


def scene(name: str, path: str, status: int = 200) -> Callable[[Prepare], Prepare]:
    """Add a scene to the catalogue. `status` is that of the page that is looked at."""

    def add(prepare: Prepare) -> Prepare:
        SCENES.append(Scene(name, path, prepare, status))
        return prepare

    return add


def go(stage: Stage, page: Page, path: str) -> None:
    """Open a page of this portal."""
    page.goto(stage.url + path)


def press(page: Page, button: str, **typed: str) -> None:
    """Fill in fields by name, and press the button whose words begin so."""
    for name, value in typed.items():
        field = page.locator(f"main [name={name}]").first
        if field.get_attribute("type") == "radio":
            page.locator(f"main [name={name}][value={value}]").check()
        else:
            field.fill(value)
    with page.expect_navigation():
        page.locator("main button", has_text=button).first.click()


def signed_in(stage: Stage, page: Page, path: str = "/inbox") -> None:
    """Pat, who has an account, has signed in and opened this page."""
    stage.run(stage.world.registered())
    sign_in(stage, page)
    go(stage, page, path)


def sign_in(stage: Stage, page: Page) -> None:
    go(stage, page, "/sign-in")
    press(page, "Sign in", email="pat@home.example", password=PASSWORD)


def invited(stage: Stage, page: Page, details: object = PATIENT, to: str = "pat@home.example") -> None:
    """Somebody has followed the link of an invitation."""
    go(stage, page, stage.world.link(stage.run(stage.world.invited(details, to=to))))


@scene("sign-in", "/sign-in")
def _sign_in(stage: Stage, page: Page) -> None:
    go(stage, page, "/sign-in")


@scene("home", "/")
def _home(stage: Stage, page: Page) -> None:
    go(stage, page, "/")


@scene("sign-in-wrong", "/sign-in", 422)
def _sign_in_wrong(stage: Stage, page: Page) -> None:
    go(stage, page, "/sign-in")
    press(page, "Sign in", email="pat@home.example", password="not the one")


@scene("sign-in-throttled", "/sign-in", 429)
def _throttled(stage: Stage, page: Page) -> None:
    go(stage, page, "/sign-in")
    for _ in range(11):
        press(page, "Sign in", email="pat@home.example", password="not the one")


@scene("invite-welcome", "/invite/{token}")
def _welcome(stage: Stage, page: Page) -> None:
    invited(stage, page)


@scene("invite-verify-patient", "/invite/{token}")
def _verify(stage: Stage, page: Page) -> None:
    invited(stage, page)
    press(page, "Start")


@scene("invite-verify-wrong", "/invite/{token}", 422)
def _verify_wrong(stage: Stage, page: Page) -> None:
    _verify(stage, page)
    press(page, "Continue", **WRONG)


@scene("invite-locked", "/invite/{token}", 422)
def _locked(stage: Stage, page: Page) -> None:
    _verify(stage, page)
    for _ in range(3):
        press(page, "Continue", **WRONG)


@scene("invite-verify-colleague-here", "/invite/{token}")
def _verify_here(stage: Stage, page: Page) -> None:
    invited(stage, page, COLLEAGUE_HERE, "cleo@riverside.example")
    press(page, "Start")


@scene("invite-stranger", "/invite/{token}", 422)
def _stranger(stage: Stage, page: Page) -> None:
    _verify_here(stage, page)
    press(page, "Continue", organisation="no")


@scene("invite-verify-colleague-elsewhere", "/invite/{token}")
def _verify_elsewhere(stage: Stage, page: Page) -> None:
    invited(stage, page, COLLEAGUE_ELSEWHERE, "omar@hillside.example")
    press(page, "Start")


@scene("invite-password", "/invite/{token}")
def _password(stage: Stage, page: Page) -> None:
    _verify(stage, page)
    press(page, "Continue", **RIGHT)


@scene("invite-password-guessable", "/invite/{token}", 422)
def _guessable(stage: Stage, page: Page) -> None:
    _password(stage, page)
    press(page, "Continue", name="Pat", password="password1")


@scene("invite-check", "/invite/{token}")
def _check(stage: Stage, page: Page) -> None:
    _password(stage, page)
    press(page, "Continue", name="Pat", password=PASSWORD)


@scene("dead-link", "/invite/{token}", 404)
def _dead_link(stage: Stage, page: Page) -> None:
    go(stage, page, "/invite/no-such-token")


@scene("error", "", 404)
def _error(stage: Stage, page: Page) -> None:
    go(stage, page, "/no-such-page")


@scene("inbox-empty", "/inbox")
def _inbox_empty(stage: Stage, page: Page) -> None:
    signed_in(stage, page)


@scene("inbox-full", "/inbox")
def _inbox_full(stage: Stage, page: Page) -> None:
    account = stage.run(stage.world.registered())
    for number in range(30):
        stage.run(stage.world.written(account, subject=f"Your results, part {number}"))
    sign_in(stage, page)


@scene("inbox-with-question", "/inbox")
def _inbox_question(stage: Stage, page: Page) -> None:
    stage.run(stage.world.registered())
    stage.run(stage.world.invited(PATIENT))
    sign_in(stage, page)


def _reading(stage: Stage, page: Page, raw: bytes, more: str = "") -> None:
    copy = stage.run(stage.world.written(stage.run(stage.world.registered()), raw))
    sign_in(stage, page)
    go(stage, page, f"/messages/{copy.id}{more}")


@scene("message-text", "/messages/{copy_id:int}")
def _text(stage: Stage, page: Page) -> None:
    _reading(stage, page, RESULTS)


@scene("message-html", "/messages/{copy_id:int}")
def _html(stage: Stage, page: Page) -> None:
    _reading(stage, page, HTML)


@scene("message-attachment", "/messages/{copy_id:int}")
def _attachment(stage: Stage, page: Page) -> None:
    _reading(stage, page, ATTACHED)


@scene("reply", "/messages/{copy_id:int}/reply")
def _reply(stage: Stage, page: Page) -> None:
    _reading(stage, page, RESULTS, "/reply")


@scene("compose", "/compose")
def _compose(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/compose")


@scene("profile", "/profile")
def _profile(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile")


def _asked(stage: Stage, page: Page) -> None:
    stage.run(stage.world.registered())
    invitation = stage.run(stage.world.invited(PATIENT))
    sign_in(stage, page)
    go(stage, page, f"/questions/{invitation.id}")


@scene("question", "/questions/{invitation_id:int}")
def _question(stage: Stage, page: Page) -> None:
    _asked(stage, page)


@scene("question-locked", "/questions/{invitation_id:int}", 422)
def _question_locked(stage: Stage, page: Page) -> None:
    _asked(stage, page)
    for _ in range(3):
        press(page, "Continue", **WRONG)


def _sender_link(stage: Stage) -> str:
    today = stage.world.clock.now().date().toordinal()
    return f"/sender/{stage.world.keys.token(Purpose.SENDER_PAGE, 1, today)}"


@scene("staff", "/staff")
def _staff(stage: Stage, page: Page) -> None:
    go(stage, page, "/sign-in")
    page.get_by_role("link", name="I work at a practice").click()


@scene("staff-no-answer", "/staff/{practice}", 502)
def _staff_no_answer(stage: Stage, page: Page) -> None:
    stage.sign_in.address = ""
    go(stage, page, "/staff/riverside")


@scene("staff-not-theirs", "/staff/{practice}/back", 403)
def _staff_not_theirs(stage: Stage, page: Page) -> None:
    stage.sign_in.address = "somebody@elsewhere.example"
    _staff(stage, page)
    page.get_by_role("link", name="Sign in at").click()


@scene("staff-late", "/staff/{practice}/back", 400)
def _staff_late(stage: Stage, page: Page) -> None:
    go(stage, page, "/staff/riverside/back?state=old&code=c")


@scene("sender-asked", "/sender/{token}")
def _sender_asked(stage: Stage, page: Page) -> None:
    stage.run(stage.world.invited(None))
    go(stage, page, _sender_link(stage))


@scene("sender-list", "/sender/{token}")
def _sender_list(stage: Stage, page: Page) -> None:
    for number in range(5):
        stage.run(stage.world.invited(PATIENT, to=f"patient-{number}@home.example"))
    go(stage, page, _sender_link(stage))


@scene("sender-person", "/sender/{token}")
def _sender_person(stage: Stage, page: Page) -> None:
    go(stage, page, stage.world.link(stage.run(stage.world.invited(PATIENT))))
    press(page, "Start")
    press(page, "Continue", **RIGHT)
    press(page, "Continue", name="Pat", password="a teapot full of violets")
    press(page, "Finish")
    go(stage, page, _sender_link(stage) + "?person=pat@home.example")


@scene("sender-details-wrong", "/sender/{token}", 422)
def _sender_wrong(stage: Stage, page: Page) -> None:
    _sender_asked(stage, page)
    press(page, "Invite", relationship="patient", day="30", month="2", year="1980")


@scene("sender-reminded", "/sender/{token}")
def _sender_reminded(stage: Stage, page: Page) -> None:
    _sender_list(stage, page)
    press(page, "Remind")


@scene("sender-patients", "/sender/{token}")
def _sender_patients(stage: Stage, page: Page) -> None:
    world = stage.world
    for days, name in ((9, "Uma Ford"), (6, "Tim Field"), (6, "Noor Azmi"), (1, "Jo Marsh"), (0, "Pat Doe")):
        stage.run(world.invited(PATIENT, to=f"{name.lower().replace(' ', '.')}@home.example"))
        world.clock.advance(days=days)
    go(stage, page, world.link(stage.run(world.invited(PATIENT, to="kim.lee@home.example"))))
    press(page, "Start")
    press(page, "Continue", **RIGHT)
    press(page, "Continue", name="Kim Lee", password="a teapot full of violets")
    press(page, "Finish")
    page.context.clear_cookies()
    go(stage, page, _sender_link(stage) + "?show=patients")


@scene("sender-colleagues-none", "/sender/{token}")
def _sender_colleagues(stage: Stage, page: Page) -> None:
    stage.run(stage.world.invited(PATIENT))
    go(stage, page, _sender_link(stage) + "?show=directory")


@scene("sender-practice", "/sender/{token}")
def _sender_practice(stage: Stage, page: Page) -> None:
    _sender_list(stage, page)
    go(stage, page, _sender_link(stage) + "?show=practice")


@scene("sender-old-link", "/sender/{token}")
def _sender_old_link(stage: Stage, page: Page) -> None:
    stage.run(stage.world.invited(PATIENT))
    old = _sender_link(stage)
    stage.world.clock.advance(days=8)
    go(stage, page, old)


# ----------------------------------------------------------------------------------------------- more of the invitation


@scene("ask-again", "/invite/{token}")
def _ask_again(stage: Stage, page: Page) -> None:
    go(stage, page, "/invite/no-such-token?again")


@scene("asked-again", "/invite/{token}")
def _asked_again(stage: Stage, page: Page) -> None:
    _ask_again(stage, page)
    press(page, "Tell them")


@scene("invite-begun", "/invite/{token}")
def _begun(stage: Stage, page: Page) -> None:
    _password(stage, page)
    page.goto(page.url)


@scene("invite-colleague-errors", "/invite/{token}", 422)
def _elsewhere_wrong(stage: Stage, page: Page) -> None:
    _verify_elsewhere(stage, page)
    press(page, "Continue")


@scene("question-stranger", "/questions/{invitation_id:int}", 422)
def _question_stranger(stage: Stage, page: Page) -> None:
    stage.run(stage.world.registered("cleo@riverside.example", "Cleo"))
    invitation = stage.run(stage.world.invited(COLLEAGUE_HERE, to="cleo@riverside.example"))
    go(stage, page, "/sign-in")
    press(page, "Sign in", email="cleo@riverside.example", password=PASSWORD)
    go(stage, page, f"/questions/{invitation.id}")
    press(page, "Continue", organisation="no")


# --------------------------------------------------------------------------------------------------------- more of mail


def _with_mail(stage: Stage, page: Page, path: str) -> None:
    stage.run(stage.world.written(stage.run(stage.world.registered())))
    sign_in(stage, page)
    go(stage, page, path)


@scene("inbox-search", "/inbox")
def _search(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/inbox?q=results")


@scene("inbox-search-nothing", "/inbox")
def _search_nothing(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/inbox?q=nothing+like+it")


@scene("inbox-drafts", "/inbox")
def _drafts(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/messages/1/reply")
    press(page, "Save as draft", body="Half a thought")


@scene("inbox-taken-back", "/inbox")
def _taken_back(stage: Stage, page: Page) -> None:
    copy = stage.run(stage.world.written(stage.run(stage.world.registered())))
    stage.run(stage.world.desk.do(recall.take_back, copy, "It was meant for somebody else.", "ada@riverside.example"))
    sign_in(stage, page)


@scene("message-unreadable", "/messages/{copy_id:int}")
def _unreadable(stage: Stage, page: Page) -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200))
    _reading(stage, page, deep)


@scene("message-answered", "/messages/{copy_id:int}")
def _answered(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/messages/1/reply")
    press(page, "Send", body="Thank you.")


@scene("message-sent", "/sent/{message_id:int}")
def _sent(stage: Stage, page: Page) -> None:
    _answered(stage, page)
    go(stage, page, "/sent/2")


@scene("reply-wrong", "/messages/{copy_id:int}/reply", 422)
def _reply_wrong(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/messages/1/reply")
    press(page, "Send")


@scene("compose-known", "/compose")
def _compose_known(stage: Stage, page: Page) -> None:
    _with_mail(stage, page, "/compose")


# ------------------------------------------------------------------------------------------------------ more of account


@scene("reset", "/reset")
def _reset(stage: Stage, page: Page) -> None:
    go(stage, page, "/reset")


@scene("reset-sent", "/reset")
def _reset_sent(stage: Stage, page: Page) -> None:
    stage.run(stage.world.registered())
    go(stage, page, "/reset")
    press(page, "Send me the link", email="pat@home.example")


@scene("reset-new-password", "/reset/{token}")
def _new_password(stage: Stage, page: Page) -> None:
    _reset_sent(stage, page)
    [sent] = stage.run(stage.world.rows(Delivery, notice=Notice.PASSWORD_RESET))
    facts = notices.resolve(stage.world.keys, notices.unseal(stage.world.keys, sent).facts)
    go(stage, page, f"/reset/{facts['reset']}")


@scene("reset-dead", "/reset/{token}", 404)
def _reset_dead(stage: Stage, page: Page) -> None:
    go(stage, page, "/reset/no-such-token")


@scene("profile-name", "/profile/name")
def _name(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/name")


@scene("profile-practice", "/profile/practice")
def _practice(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/practice")


@scene("profile-password-wrong", "/profile/password", 422)
def _own_password(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/password")
    press(page, "Save", old="not the one", password="violets in a teapot")


@scene("profile-sessions", "/profile/sessions")
def _sessions(stage: Stage, page: Page) -> None:
    signed_in(stage, page)
    page.context.clear_cookies()
    sign_in(stage, page)
    go(stage, page, "/profile/sessions")


@scene("profile-erase", "/profile/erase")
def _erase(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/erase")


@scene("security", "/profile/security")
def _security(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/security")


@scene("codes", "/profile/codes")
def _codes(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/codes")


def _with_codes(stage: Stage, page: Page) -> None:
    _codes(stage, page)
    secret = page.locator("li .key").inner_text().replace(" ", "")
    press(page, "Turn codes on", code=pyotp.TOTP(secret).at(stage.world.clock.now()))


@scene("security-with-codes", "/profile/security")
def _security_codes(stage: Stage, page: Page) -> None:
    _with_codes(stage, page)


@scene("codes-off", "/profile/codes/off")
def _codes_off(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/codes/off")


@scene("recovery", "/profile/recovery")
def _recovery(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/recovery")


@scene("recovery-codes", "/profile/recovery")
def _recovery_codes(stage: Stage, page: Page) -> None:
    _recovery(stage, page)
    press(page, "Make recovery codes", password=PASSWORD)


@scene("passkey-add", "/profile/passkeys/add")
def _passkey(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/passkeys/add")


@scene("passkey-remove", "/profile/passkeys/{passkey_id:int}/remove")
def _passkey_remove(stage: Stage, page: Page) -> None:
    signed_in(stage, page)
    known = {"account_id": 1, "credential": b"c", "public_key": b"k", "sign_count": 0, "name": "My phone"}
    row = Passkey(**known, created_at=stage.world.clock.now())
    stage.run(stage.world.store.write(lambda tx: tx.add(row)))
    go(stage, page, "/profile/passkeys/1/remove")


@scene("second-step", "/sign-in")
def _second_step(stage: Stage, page: Page) -> None:
    _with_codes(stage, page)
    page.context.clear_cookies()
    sign_in(stage, page)


@scene("second-step-wrong", "/sign-in", 422)
def _second_step_wrong(stage: Stage, page: Page) -> None:
    _second_step(stage, page)
    press(page, "Continue", code="000000")


# -------------------------------------------------------------------------------------------------------- a new address


def _token(stage: Stage, notice: Notice, fact: str) -> str:
    [sent] = stage.run(stage.world.rows(Delivery, notice=notice))
    return str(notices.resolve(stage.world.keys, notices.unseal(stage.world.keys, sent).facts)[fact])


@scene("address", "/profile/address")
def _address(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/address")


@scene("address-wrong", "/profile/address", 422)
def _address_wrong(stage: Stage, page: Page) -> None:
    _address(stage, page)
    press(page, "Send the link", email="no address", password=PASSWORD)


@scene("address-sent", "/profile/address")
def _address_sent(stage: Stage, page: Page) -> None:
    _address(stage, page)
    press(page, "Send the link", email="patricia.longworth@a-very-long-name-indeed.example", password=PASSWORD)


@scene("profile-address-awaited", "/profile")
def _address_awaited(stage: Stage, page: Page) -> None:
    _address_sent(stage, page)
    go(stage, page, "/profile")


@scene("address-confirm", "/profile/address/{token}")
def _address_confirm(stage: Stage, page: Page) -> None:
    _address_sent(stage, page)
    go(stage, page, f"/profile/address/{_token(stage, Notice.NEW_ADDRESS, 'confirm')}")


@scene("profile-address-changed", "/profile")
def _address_changed(stage: Stage, page: Page) -> None:
    _address_confirm(stage, page)
    press(page, "Use the new address")


@scene("address-taken", "/profile/address/{token}", 409)
def _address_taken(stage: Stage, page: Page) -> None:
    _address_confirm(stage, page)
    stage.run(stage.world.registered("patricia.longworth@a-very-long-name-indeed.example", "Uma"))
    press(page, "Use the new address")


@scene("address-dead", "/profile/address/{token}", 404)
def _address_dead(stage: Stage, page: Page) -> None:
    signed_in(stage, page, "/profile/address/no-such-token")


@scene("address-keep", "/address/{token}")
def _address_keep(stage: Stage, page: Page) -> None:
    _address_sent(stage, page)
    go(stage, page, f"/address/{_token(stage, Notice.ADDRESS_CHANGED, 'keep')}")


@scene("address-kept", "/reset/{token}")
def _address_kept(stage: Stage, page: Page) -> None:
    _address_keep(stage, page)
    press(page, "Keep my old address")
