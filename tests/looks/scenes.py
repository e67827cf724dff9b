"""The catalogue of pages and states; see the package's docstring for how to add one."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from gateway.domain.vocabulary import Purpose
from tests.looks.stage import Stage
from tests.portal.conftest import COLLEAGUE_ELSEWHERE, COLLEAGUE_HERE, PASSWORD, PATIENT, RESULTS

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


@scene("sender-asked", "/sender/{token}")
def _sender_asked(stage: Stage, page: Page) -> None:
    stage.run(stage.world.invited(None))
    go(stage, page, f"/sender/{stage.world.keys.token(Purpose.SENDER, 1)}")


@scene("sender-list", "/sender/{token}")
def _sender_list(stage: Stage, page: Page) -> None:
    for number in range(5):
        stage.run(stage.world.invited(PATIENT, to=f"patient-{number}@home.example"))
    go(stage, page, f"/sender/{stage.world.keys.token(Purpose.SENDER, 1)}")
