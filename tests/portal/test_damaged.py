"""Rows that somebody has altered in the database: each costs itself, and opens nothing to anybody else."""

import io
import zipfile
from dataclasses import replace

import pytest

from gateway.domain.address import address
from gateway.domain.commands import read
from gateway.domain.model import (
    Account,
    Audit,
    Codes,
    Confirmation,
    Content,
    Copy,
    Delivery,
    Draft,
    Invitation,
    Message,
    RecoveryCode,
    Sender,
)
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState
from gateway.errors import WrongKey
from gateway.flow import confirmations, copies
from gateway.flow.accounts import registration, second_factor
from gateway.flow.commands import move
from gateway.flow.inbox import messages
from gateway.flow.outbound import deliver
from gateway.flow.standing import Why
from tests.browser import PASSWORD, Browser
from tests.practice import PATIENT

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

SECRET = b"From: ada@riverside.example\r\nTo: pat@home.example\r\nSubject: x\r\n\r\nhaemoglobin\r\n"


async def alter(world, row, **changes):
    """Write into the database behind our back."""
    return await world.desk.do(lambda ctx: ctx.tx.put(replace(row, **changes)))


async def two_people(world):
    """Pat and Uma, each with a message; their accounts and copies."""
    pat = await world.registered()
    uma = await world.registered("uma@home.example", "Uma")
    return pat, await world.written(pat, SECRET, "Yours, Pat"), uma, await world.written(uma, subject="Yours, Uma")


async def message(world, copy):
    [row] = await world.rows(Message, id=copy.message_id)
    return row


def flipped(octets):
    return octets[:-1] + bytes([octets[-1] ^ 1])


async def altered_key(world, copy):
    await alter(world, copy, wrapped_key=flipped(copy.wrapped_key))


async def no_key(world, copy):
    await alter(world, copy, wrapped_key=None)


async def unknown_key(world, copy):
    await alter(world, copy, wrapped_key=b"\xff" * 60)


async def altered_subject(world, copy):
    row = await message(world, copy)
    await alter(world, row, subject=flipped(row.subject))


async def short_subject(world, copy):
    await alter(world, await message(world, copy), subject=b"")


async def another_author(world, copy):
    await world.invited(PATIENT, to="x@home.example", sender="bob@riverside.example", name="Bob")
    [bob] = await world.rows(Sender, address="bob@riverside.example")
    await alter(world, await message(world, copy), sender_id=bob.id)


ALTERATIONS = [altered_key, no_key, unknown_key, altered_subject, short_subject, another_author]


@pytest.mark.parametrize("alteration", ALTERATIONS, ids=lambda one: one.__name__)
async def test_one_altered_row_costs_that_row(world, browser, alteration, capsys):
    pat = await world.registered()
    copies = [await world.written(pat, subject=f"Letter {number}") for number in range(3)]
    await alteration(world, copies[1])
    await browser.sign_in()
    for page in ("/inbox", "/inbox?show=unread", "/inbox?q=letter"):
        await browser.go(page)
        assert browser.status == 200
        assert "Letter 0" in browser.text
        assert "Letter 2" in browser.text
        assert "Letter 1" not in browser.text
    assert "This message cannot be opened." in (await browser.go("/inbox")).text
    assert "rows cannot be opened" in "".join(capsys.readouterr())
    for path in ("", "/reply", "/original", "/attachments/0"):
        await browser.go(f"/messages/{copies[1].id}{path}")
        assert (browser.status, browser.heading) == (410, "This cannot be opened") or path == "/attachments/0"
        assert browser.status in (404, 410)
    assert not await world.rows(Audit, subject=f"copy {copies[1].id}", action="viewed")
    assert (await browser.go(f"/messages/{copies[2].id}")).status == 200


async def test_altered_rows_are_counted(world, browser):
    counted = []
    pat = await world.registered()
    await altered_key(world, await world.written(pat))
    await browser.sign_in()
    count = "gateway.portal.visit.Portal.tell_unopened"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count, lambda _, page, rows: counted.append((page, list(rows))))
        await browser.go("/inbox")
    assert counted[0] == ("/inbox", [1])


async def test_what_one_wrote_is_listed_though_one_of_it_is_altered(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    for text in ("one", "two"):
        await browser.go(f"/messages/{copy.id}/reply")
        await browser.press("Send", subject=f"Answer {text}", body=text)
    [first, _] = [row for row in await world.rows(Message) if row.account_id]
    await alter(world, first, subject=flipped(first.subject))
    await browser.go("/inbox?show=sent")
    assert "Answer two" in browser.text
    assert "This message cannot be opened." in browser.text
    assert (await browser.go(f"/sent/{first.id}")).status == 410
    assert (await browser.go(f"/messages/{copy.id}")).status == 200


async def test_an_altered_draft_can_be_discarded(world, browser):
    await world.written(await world.registered())
    await browser.sign_in()
    for subject in ("Half a thought", "A whole one"):
        await browser.go("/compose")
        await browser.press("Save as draft", to="1", subject=subject, body="x")
    [first, _] = await world.rows(Draft)
    await alter(world, first, sealed=flipped(first.sealed))
    await browser.go("/inbox?show=drafts")
    assert "A whole one" in browser.text
    assert "This draft cannot be opened." in browser.text
    assert (await browser.go(f"/compose?draft={first.id}")).status == 200
    await browser.go("/inbox?show=drafts")
    browser.response = await browser.client.post(
        f"/drafts/{first.id}/discard",
        data={"csrf_token": browser.page.css_first("input[name=csrf_token]").attributes["value"]},
    )
    assert "cannot be opened" not in browser.text


async def test_content_that_was_altered_is_not_shown(world, browser):
    copy = await world.written(await world.registered(), SECRET)
    [content] = await world.rows(Content)
    await alter(world, content, inline=flipped(content.inline))
    await browser.sign_in()
    for path in ("", "/original"):
        await browser.go(f"/messages/{copy.id}{path}")
        assert browser.status == 410
    assert not await world.rows(Audit, action="saved the original")


async def test_everything_else_is_downloaded(world, browser):
    pat = await world.registered()
    copies = [await world.written(pat, SECRET) for _ in range(3)]
    await altered_key(world, copies[1])
    await browser.sign_in()
    await browser.go("/profile/download")
    await browser.press("Download my data", password=PASSWORD)
    names = zipfile.ZipFile(io.BytesIO(browser.response.content)).namelist()
    assert [name for name in names if name.startswith("message")] == [
        *("message-1.eml", "message-2-damaged.txt", "message-3.eml")
    ]


async def test_an_altered_row_that_is_released_costs_only_itself(world, browser):
    first, second = await world.invited(PATIENT), await world.invited(PATIENT)
    assert first.id == second.id
    [one, other] = await world.rows(Copy)
    await altered_key(world, one)
    account = await world.desk.do(
        registration.register,
        world.link(second).removeprefix("/invite/"),
        registration.Proof(birthdate=PATIENT.birthdate),
        "Pat",
        (await world.registered("else@home.example")).password_hash,
    )
    assert account
    await browser.sign_in()
    assert "Your results" in browser.text
    assert "This message cannot be opened." in browser.text
    assert await world.rows(Audit, action="could not open", subject=f"copy {one.id}")
    assert (await browser.go(f"/messages/{other.id}")).status == 200


async def test_altered_one_time_codes_leave_the_recovery_codes(world):
    pat = await world.registered()
    row = Codes(account_id=pat.id, secret=b"altered", last_step=0, created_at=world.clock.now())
    await world.desk.do(lambda ctx: ctx.tx.add(row))
    await world.desk.do(second_factor.new_recovery_codes, pat, ["abcd-efgh"])
    assert not await world.desk.do(second_factor.use_code, pat, "000000")
    assert await world.desk.do(second_factor.use_code, pat, "abcd-efgh")
    assert not await world.rows(RecoveryCode)


async def test_an_altered_confirmation_confirms_nothing(world):
    await world.invited(PATIENT)
    [ada] = await world.rows(Sender)
    await world.desk.do(
        confirmations.ask, ada, read(["pat@home.example CANCEL"], world.clock.now().date()), Why.UNPROVED
    )
    [asked] = await world.rows(Confirmation)
    altered = await alter(world, asked, lines=flipped(asked.lines))
    assert await world.desk.ask(confirmations.lines, altered) == []


async def test_a_row_that_is_none_costs_itself_in_every_list(world, capsys):
    for to in ("pat@home.example", "uma@home.example"):
        await world.invited(PATIENT, to=to)
    await world.store.write(lambda tx: tx._connection.execute("UPDATE invitation SET state = 'nonsense' WHERE id = 1"))
    await world.store.write(lambda tx: tx._connection.execute("UPDATE delivery SET due_at = 'soon' WHERE id = 1"))
    assert [row.id for row in await world.rows(Invitation)] == [2]
    found = await world.desk.do(deliver.claim, 10)
    assert [prepared.delivery.id for prepared in found] == [2]
    assert "a row cannot be read" in "".join(capsys.readouterr())


# ------------------------------------------------------------------------------------- nothing is opened to another


async def reads(world, who="uma@home.example"):
    """All that somebody sees who signs in and opens whatever there is."""
    browser = await Browser(world.app).sign_in(who)
    seen = browser.response.text
    for path in [f"/messages/{copy.id}" for copy in await world.rows(Copy)]:
        for more in ("", "/reply", "/original"):
            seen += (await browser.go(path + more)).response.text
    for row in await world.rows(Message):
        seen += (await browser.go(f"/sent/{row.id}")).response.text
    return seen + (await browser.go("/inbox?show=sent")).response.text


async def test_a_copy_that_is_given_to_another_account_opens_nothing(world):
    _, hers, uma, _ = await two_people(world)
    await alter(world, hers, account_id=uma.id)
    assert "haemoglobin" not in (seen := await reads(world))
    assert "Yours, Pat" not in seen
    assert "Yours, Uma" in seen


async def test_a_copy_that_is_given_to_another_account_and_address_opens_nothing(world):
    _, hers, uma, _ = await two_people(world)
    await alter(world, hers, account_id=uma.id, address=uma.address, typed=uma.typed)
    assert "haemoglobin" not in await reads(world)


async def test_keys_that_are_swapped_open_nothing(world):
    _, hers, _, mine = await two_people(world)
    await alter(world, mine, wrapped_key=hers.wrapped_key)
    assert "haemoglobin" not in await reads(world)
    await alter(world, mine, wrapped_key=hers.wrapped_key, message_id=hers.message_id)
    assert "haemoglobin" not in await reads(world)


async def test_content_and_subject_that_are_swapped_open_nothing(world):
    _, hers, _, mine = await two_people(world)
    theirs, own = await message(world, hers), await message(world, mine)
    await alter(world, own, content_id=theirs.content_id, subject=theirs.subject)
    assert "haemoglobin" not in (seen := await reads(world))
    assert "Yours, Pat" not in seen


async def test_what_was_written_is_not_anothers_to_read(world, browser):
    pat, hers, uma, _ = await two_people(world)
    await browser.sign_in()
    await browser.go(f"/messages/{hers.id}/reply")
    await browser.press("Send", body="my haemoglobin")
    [written] = await world.rows(Message, account_id=pat.id)
    assert "my haemoglobin" in (await browser.go(f"/sent/{written.id}")).text
    await alter(world, written, account_id=uma.id)
    assert "haemoglobin" not in await reads(world)


async def test_held_mail_goes_to_no_other_invitation(world, browser):
    await world.invited(PATIENT, raw=SECRET)
    [held] = await world.rows(Copy)
    other = await world.invited(PATIENT, to="uma@home.example")
    await alter(world, held, invitation_id=other.id)
    await world.registered("else@home.example")
    [somebody] = await world.rows(Account)
    token = world.link(await world.invitation(other)).removeprefix("/invite/")
    proof = registration.Proof(birthdate=PATIENT.birthdate)
    uma = await world.desk.do(registration.register, token, proof, "Uma", somebody.password_hash)
    assert [copy.state for copy in await world.rows(Copy, account_id=uma.id)] == [CopyState.INBOX] * 2
    assert "haemoglobin" not in await reads(world)


async def test_held_mail_that_was_given_to_an_account_opens_nothing(world):
    await world.invited(PATIENT, raw=SECRET)
    [held] = await world.rows(Copy)
    uma = await world.registered("uma@home.example", "Uma")
    await alter(world, held, account_id=uma.id, state=CopyState.INBOX)
    assert "haemoglobin" not in await reads(world)


async def test_a_mail_that_moves_takes_no_other_with_it(world):
    await world.invited(PATIENT, raw=SECRET)
    [held] = await world.rows(Copy)
    other = await world.invited(PATIENT, to="uma@home.example")
    await alter(world, held, invitation_id=other.id)
    [ada] = await world.rows(Sender)
    await world.desk.do(move.readdress, await world.invitation(other), ada, address("eve@evil.example"))
    [moved] = await world.rows(Copy, id=held.id)
    assert moved.address == "eve@evil.example"
    with pytest.raises(WrongKey):
        await world.desk.ask(copies.data_key, moved)


async def test_a_mail_to_another_recipient_is_not_written_out(world):
    pat, copy, _, _ = await two_people(world)
    stolen = Delivery(
        kind=DeliveryKind.RELAY,
        hop="evil.example",
        recipient="eve@evil.example",
        copy_id=copy.id,
        created_at=world.clock.now(),
        due_at=world.clock.now(),
    )
    stolen = await world.desk.do(lambda ctx: ctx.tx.add(stolen))
    prepared_deliveries = await world.desk.do(deliver.claim, 10)
    assert stolen.id not in {prepared.delivery.id for prepared in prepared_deliveries}
    [row] = await world.rows(Delivery, id=stolen.id)
    assert row.state is DeliveryState.QUEUED
    assert pat.address == copy.address
    assert await world.desk.do(messages.open_message, pat, copy.id)
