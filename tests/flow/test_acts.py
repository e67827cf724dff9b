"""Every act that the audit knows is written by something; from where, and never what somebody typed."""

from dataclasses import replace

import pyotp
import pytest

from gateway.domain.acts import STRANGER, Act, of_event
from gateway.domain.address import address
from gateway.domain.lifecycle import TABLE, Event
from gateway.domain.model import Copy, Delivery, Invitation, Passkey, Sender
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import DeliverTo, DeliverySignal, Notice, Purpose
from gateway.errors import NotASender
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import attempts, new_address, second_factor
from gateway.flow.commands import sender_page
from gateway.flow.inbound import invitee_mail
from gateway.flow.inbox import messages
from gateway.flow.invitations import invite
from gateway.flow.outbound import queue
from tests.browser import PASSWORD
from tests.edge.stories import lives
from tests.edge.test_transcript import commands
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World, mail

BY_COMMAND = {
    *(Act.ADDED_LOGIN, Act.LISTED_AUDIT, Act.EXPORTED_AUDIT, Act.VERIFIED_AUDIT),
    *(Act.BACKED_UP, Act.RESTORED, Act.SENT_BEFORE, Act.KEPT_BY_HOLD, Act.FOLLOWED_LEDGER),
    *(Act.PRINTED_SHEETS, Act.ROTATED_KEYS, Act.RETIRED_KEY),
    *(Act.HOLD_PLACED, Act.HOLD_RELEASED, Act.HOLD_FOLLOWS, Act.EXPORTED_PERSON, Act.EXPORTED_COPY),
    *(Act.ERASING_PERSON, Act.ERASED_PERSON, Act.IMPORTED_LIST),
    *(Act.ADMIN_LINK, Act.ADMIN_SIGNED_IN, Act.ADMIN_SIGNED_OUT, Act.ADMIN_REFUSED, Act.LOOKED_UP),
    *(Act.PAUSED, Act.RESUMED, Act.MENDED, Act.SAVED_WHOLE, Act.MIGRATED, Act.LEAVING),
    *(Act.COPIED_DATABASE, Act.RELOADED, Act.RELOAD_REFUSED),
}
"""Those of an administrator: tests/admin, tests/portal/test_admin.py, tests/peers/test_audit.py and
tests/peers/test_reload.py look at them."""
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def a_reader():
    """Everything that a person does in the portal."""
    world = World(TEMPLATES)
    account = await world.registered()
    await world.receive(mail(Disposition_Notification_To="ada@riverside.example"))
    copy = await world.one(Copy, account_id=account.id)
    browser = await world.browser().sign_in(password="wrong")
    await browser.sign_in()
    for path in (f"/messages/{copy.id}", f"/messages/{copy.id}/original", "/inbox?q=well"):
        await browser.go(path)
    await world.desk.do(messages.note_file, account, copy.id, 0)
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", body="Thank you")
    await browser.go("/sent/2")
    await browser.go("/profile/download")
    await browser.press("Download my data", password="wrong")
    await browser.press("Download my data", password=PASSWORD)
    await browser.go("/profile/name")
    await browser.press("Save", name="Patricia")
    elsewhere = await world.browser().sign_in()
    await world.desk.do(accounts.end_sessions, account, besides=1)
    await elsewhere.sign_in()
    await elsewhere.go("/inbox")
    await elsewhere.press("Sign out")
    await browser.go("/profile/erase")
    await browser.press("Erase my account", password=PASSWORD)
    return world


async def a_colleague():
    """What only some people do: reading elsewhere, moving, and calling that back."""
    world = World(TEMPLATES)
    account = await world.registered("omar@hospital.example")
    await world.desk.do(accounts.change_practice, account, "Hillside", "1", "Hill")
    await world.desk.do(accounts.choose_delivery, account, DeliverTo.RELAY)
    await world.desk.do(accounts.change_password, account, "hash", 0)
    await world.write(ADA, "omar@hospital.example")
    await world.deliver()
    await factors(world, account)
    return world


async def factors(world, account):
    """Second factors, and an address that is called back with them."""
    await world.desk.do(new_address.ask, account, address("else@where.example"))
    world.clock.advance(seconds=60)
    now = world.clock.now()
    code = pyotp.TOTP(SECRET).at
    await world.desk.do(second_factor.start_codes, account, SECRET, code(now))
    passkey = Passkey(
        account_id=account.id, credential=b"c", public_key=b"k", sign_count=0, name="Hers", created_at=now
    )
    await world.desk.do(second_factor.add_passkey, account, passkey)
    await world.desk.do(second_factor.new_recovery_codes, account, ["abcd-efgh"])
    world.clock.advance(seconds=60)
    assert await world.desk.do(second_factor.use_code, account, code(world.clock.now()))
    assert await world.desk.do(second_factor.use_code, account, "abcd-efgh")
    await world.desk.do(second_factor.use_passkey, await world.one(Passkey), 1, b"challenge")
    await world.desk.do(second_factor.stop_codes, account)
    await world.desk.do(second_factor.remove_passkey, account, 1)
    await world.desk.do(second_factor.new_recovery_codes, account, ["abcd-efgh"])
    await world.desk.do(new_address.stop, world.keys.token(Purpose.OLD_ADDRESS, 1))
    await world.desk.do(attempts.of_account, Act.FACTOR_FAILED, account)


async def a_practice():
    """What senders, managers and mail servers do."""
    managed = replace(
        SITE, practices=tuple(replace(one, managers=("ada@riverside.example",)) for one in SITE.practices)
    )
    world = World(TEMPLATES, site=managed)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.say("cleo@riverside.example CLINICIAN", token=await world.sender_token())
    await world.desk.do(sender_page.enter, "riverside", "ada@riverside.example")
    await world.desk.do(sender_page.enter, "riverside", "omar@hillside.example")
    page = world.keys.token(Purpose.SENDER_PAGE, 1, world.clock.now().date().toordinal())
    assert await world.desk.do(sender_page.practice_list, page)
    invitation, sender = await world.one(Invitation), await world.one(Sender)
    answer = mail(f"reply+{world.keys.token(Purpose.ANSWER, invitation.id)}@{SITE.domain}", sender=PAT)
    await world.receive(answer, mail_from="pat@home.example")
    assert await world.desk.do(invitee_mail.read, sender, invitation.id, 5)
    for signal in DeliverySignal:
        await world.desk.do(invite.note_signal, await world.invitation(invitation), signal)
    await world.desk.do(attempts.login_used, "ada@riverside.example")
    for _ in range(attempts.MOST_OF_PLACE):
        await world.desk.do(attempts.login_refused, "")
    return world


async def an_administrator():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    copy = await world.one(Copy)
    await world.store.write(lambda tx: tx.put(replace(copy, wrapped_key=b"a" + bytes(60))))
    await world.accept()
    ids = [one.id for one in await world.rows(Delivery)]
    await world.desk.do(queue.retry, ids)
    await world.desk.do(queue.drop, ids)
    return world


async def a_stranger():
    """Somebody answers for somebody else whom a registered person had written to."""
    world = World(TEMPLATES)
    account = await world.registered()
    await world.written(account)
    browser = await world.browser().sign_in()
    await browser.go("/messages/1/reply")
    await browser.press("Send", body="Thank you")
    token = world.keys.token(Purpose.REPLY, 2)
    with pytest.raises(NotASender):
        await world.receive(mail(f"reply+{token}@{SITE.domain}", sender="Eve <eve@riverside.example>"))
    return world


async def every_event():
    """Whatever may happen to an invitation."""
    world = World(TEMPLATES)
    for event in Event:
        state = next(one for one, happens in TABLE if happens is event)
        fresh = await world.invited(None, to=f"{event.name.lower()}@home.example")
        account = await world.registered(f"r{event.name.lower()}@home.example")
        there = replace(await world.invitation(fresh), state=state)
        await world.store.write(lambda tx, row=there: tx.put(row))
        more = {"account_id": account.id} if event is Event.ACCEPT else {}
        await world.desk.do(invite.transition, there, event, **more)
        assert await world.rows(Audit, action=of_event(event).value, subject=f"invitation {fresh.id}"), event
    return world


async def test_every_act_is_written_by_something():
    own = (a_reader, a_colleague, a_practice, an_administrator, a_stranger, every_event)
    worlds = [*await lives(), *await commands(), *[await one() for one in own]]
    seen = {row.action for world in worlds for row in await world.rows(Audit)}
    assert {act.name for act in Act if act not in seen} == {act.name for act in BY_COMMAND}
    assert seen <= set(Act)


# ---------------------------------------------------------------------------------------------------------- from where


async def test_what_comes_by_the_portal_says_from_which_client(world):
    await world.registered()
    await world.browser(host="203.0.113.9").sign_in()
    await world.browser(host="2001:db8::9").sign_in()
    places = [row.place for row in await world.rows(Audit, action=Act.SIGNED_IN.value)]
    assert places == ["203.0.113.9", "2001:db8::9"]


async def test_what_we_do_by_ourselves_comes_from_nowhere(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(31)
    assert {row.place for row in await world.rows(Audit, actor="gateway")} == {""}


# ------------------------------------------------------------------------------------------------ what comes to nothing


async def test_of_a_failed_sign_in_it_is_known_whose_account_was_meant_and_nothing_that_was_typed(world):
    await world.registered()
    browser = world.browser()
    for email in ("pat@home.example", "nobody@home.example", "my secret password"):
        await browser.sign_in(email, password="wrong")
    rows = [(row.actor, row.subject, row.detail) for row in await world.rows(Audit, action=Act.SIGN_IN_FAILED.value)]
    assert rows == [("pat@home.example", "account 1", ""), *[(STRANGER, "no account", "")] * (len(rows) - 1)]
    assert len(rows) > 1
    assert "nobody" not in str(await world.rows(Audit))


async def test_failures_do_not_fill_the_audit_and_it_says_where_it_stops(world):
    for _ in range(attempts.MOST_OF_PLACE + 20):
        await world.desk.at("192.0.2.1").do(attempts.of_account, Act.SIGN_IN_FAILED, None)
    assert len(await world.rows(Audit)) == attempts.MOST_OF_PLACE + 1
    [last] = await world.rows(Audit, action=Act.UNCOUNTED.value)
    assert last.subject == "sign-in failed"
    await world.desk.at("192.0.2.2").do(attempts.of_account, Act.SIGN_IN_FAILED, None)
    assert len(await world.rows(Audit)) == attempts.MOST_OF_PLACE + 2
    world.clock.advance(days=1)
    await world.desk.at("192.0.2.1").do(attempts.of_account, Act.SIGN_IN_FAILED, None)
    assert len(await world.rows(Audit)) == attempts.MOST_OF_PLACE + 3


async def test_a_delegate_is_named_beside_whom_they_act_for(world):
    world.authenticated = True
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.say("DELEGATE bea@riverside.example")
    await world.say("bea@riverside.example UNDELEGATE")
    granted = [(row.actor, row.action, row.subject) for row in await world.rows(Audit) if "delegation" in row.action]
    assert granted == [
        ("ada@riverside.example", "granted delegation", "bea@riverside.example"),
        ("ada@riverside.example", "withdrew delegation", "bea@riverside.example"),
    ]


async def test_the_head_of_the_chain_is_mailed_once_a_day(world):
    world = World(site=replace(SITE, audit_heads_to="auditor@elsewhere.example"))
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(3)
    told = await world.rows(Delivery, notice=Notice.AUDIT_HEAD)
    assert [one.recipient for one in told] == ["auditor@elsewhere.example"] * 2  # on the first day nothing was sealed
