"""The main job against separate processes: `gateway serve`, Postfix, smtp-sink, a browser; killed at each step."""

import smtplib

import pytest

from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

ADA, PAT, OMAR, CLEO = (
    "ada@riverside.example",
    "pat@home.example",
    "omar@hillside.example",
    "cleo@riverside.example",
)
SECRETS = ("Your haemoglobin is fine", "Results-of-Tuesday", "1980-02-03", "19800203")


@pytest.fixture
def served(tmp_path, postfix, smtp_sink):
    hop = postfix(smtp_sink.port)
    gateway = Served(tmp_path / "gateway", hop.port)
    yield gateway
    gateway.end()


def register(page, link, proof):
    """From the link to the inbox, as a person does it; `proof` fills in the second page."""
    page.goto(link)
    step = 0
    while "/inbox" not in page.url and step < 6:
        step += 1
        proof(page)
        for name, value in (("name", "Pat Example"), ("password", "correct horse battery staple")):
            field = page.locator(f'input[name="{name}"]:visible')
            if field.count():
                field.fill(value)
        page.locator("main form button:not(.plain):not(.second)").first.click()
    assert "/inbox" in page.url, page.locator("main").inner_text()


def born(day, month, year):
    def proof(page):
        if page.locator('input[name="day"]').count():
            for name, value in (("day", day), ("month", month), ("year", year)):
                page.fill(f'input[name="{name}"]', value)

    return proof


def test_the_story_with_a_kill_between_any_two_steps(served, smtp_sink, chromium):
    served.by_command = True
    assert served.start().startswith("gateway ready smtp=127.0.0.1:")
    served.by_command = False
    mail = Mailboxes(smtp_sink)

    served.send(f"Dr Ada <{ADA}>", PAT, "[secure] Results-of-Tuesday", "Your haemoglobin is fine.")
    served.kill()
    receipt = mail.next("receipt", ADA)
    served.kill()
    served.send(ADA, receipt["Reply-To"], f"Re: {receipt['Subject']}", "PATIENT 1980-02-03")
    served.kill()
    invitation = mail.next("invitation", PAT)
    mail.next("transcript", ADA)
    served.kill()

    page = chromium.new_page()
    register(page, mail.link(invitation), born("3", "2", "1980"))
    served.kill()
    mail.next("accepted", ADA)
    page.reload()
    page.get_by_role("link", name="Results-of-Tuesday").click()
    assert "Your haemoglobin is fine." in page.locator("main").inner_text()
    served.kill()

    page.get_by_role("link", name="Answer").first.click()
    page.fill('textarea[name="body"]', "Thank you, doctor.")
    page.locator("main form button:visible").first.click()
    served.kill()
    answer = mail.next("reply", ADA)
    assert "Thank you, doctor." in answer.get_body(("plain",)).get_content()
    served.send(ADA, answer["Reply-To"], "Re: Results-of-Tuesday", "You are welcome.")
    mail.next("new-message", PAT)
    page.goto(served.portal + "/inbox")
    assert page.locator("main").inner_text().count("Results-of-Tuesday") == 2
    page.goto(mail.link(invitation))
    assert page.url == served.portal + "/inbox"  # its owner's, and dead to everybody else

    for secret in SECRETS:
        assert secret.encode() not in served.on_disk(), secret
    notices = [taken for taken in smtp_sink.messages() if taken.message["X-Gateway-Notice"] not in (None, "reply")]
    for secret in SECRETS:
        assert not any(secret.encode() in taken.octets for taken in notices), secret
    assert served.end() == 0


@pytest.mark.parametrize(("to", "verb"), [(CLEO, "CLINICIAN"), (OMAR, "COLLEAGUE")])
def test_a_colleague_registers_in_the_browser(served, smtp_sink, chromium, to, verb):
    served.start()
    mail = Mailboxes(smtp_sink)
    served.send(f"Dr Ada <{ADA}>", to, "[secure] Rota", "On Monday.")
    receipt = mail.next("receipt", ADA)
    served.send(ADA, receipt["Reply-To"], "Re: x", verb)

    def proof(page):
        if page.locator('input[name="organisation"]').count():
            page.check('input[name="organisation"][value="yes"]')
        for name in ("practice_name", "practice_phone", "practice_address"):
            if page.locator(f'[name="{name}"]').count():
                page.fill(f'[name="{name}"]', "Hillside Surgery 12345")

    page = chromium.new_page()
    register(page, mail.link(mail.next("invitation", to)), proof)
    assert "Rota" in page.locator("main").inner_text()


def test_reminders_and_expiry_by_the_clock_with_the_gateway_down_at_night(served, smtp_sink):
    served.start()
    mail = Mailboxes(smtp_sink)
    served.send(ADA, PAT, "[secure patient 1980-02-03] Results", "Fine.")
    mail.next("invitation", PAT)
    for days in (3, 12, 15):
        served.end()
        served.turn(days=days)
        served.start()
        mail.next("reminder", PAT)
    served.turn(days=1)
    mail.next("expired", ADA)
    kinds = [taken.message["X-Gateway-Notice"] for taken in smtp_sink.messages()]
    assert kinds.count("reminder") == 3


def test_bad_input_gets_a_clear_answer(served):
    served.start()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        served.send("eve@evil.example", PAT, "[secure] x", "y")
    assert refused.value.smtp_code == 550
    assert b"belongs to no practice" in refused.value.smtp_error


def test_an_answer_to_a_reply_address_that_is_dead_is_told_so(served):
    served.start()
    with pytest.raises(smtplib.SMTPException) as refused:
        served.send(ADA, "reply+daaqbmpgsgyyg5ftcq7cnw55h3icwq@secure.riverside.example", "Re: results", "y")
    assert "This reply address is not valid" in str(refused.value)
