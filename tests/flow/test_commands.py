"""Who may command, about whom, and what each verb does."""

import re
from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.commands import made
from gateway.domain.model import Account, Copy, Invitation, Sender, WaitingSender
from gateway.domain.model_records import Audit
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import Purpose, State
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Proof
from gateway.flow.commands import verbs
from gateway.flow.commands.sender_page import PeopleFilter, by_page, sender_page
from gateway.flow.inbox import messages
from tests.practice import PATIENT, World, mail
from tests.reading import codes, kinds, text

BOT = "bot@secure.riverside.example"
BORN = date(1980, 2, 3)
CLEO = "Cleo <cleo@riverside.example>"


async def asked(world, *recipients, subject="[secure] Results", sender="Dr Ada <ada@riverside.example>"):
    """A secure mail to strangers; its receipt."""
    world.later()
    await world.receive(mail(", ".join(recipients or ("pat@home.example",)), subject, sender=sender))
    [receipt] = await world.deliver()
    return receipt


async def say(world, *lines, sender="Dr Ada <ada@riverside.example>", authenticated=True, **more):
    """A new mail to the bot; the answers."""
    client = {"authenticated": authenticated, "trusted": more.pop("trusted", True)}
    mail_from = more.pop("mail_from", sender.split("<")[-1].strip(">"))
    to = more.pop("to", BOT)
    await world.receive(mail(to, "command", "\r\n".join(lines), sender, **more), to, mail_from=mail_from, **client)
    return await world.deliver()


async def state(world, address="pat@home.example"):
    return (await world.rows(Invitation, address=address))[-1].state


# ------------------------------------------------------------------------------------------------------ who may speak


async def test_a_token_is_for_its_own_sender_only(world):
    receipt = await asked(world)
    assert codes((await world.reply(receipt, "CANCEL", sender=CLEO))[0]) == ["not_yours"]
    assert await world.reply(receipt, "CANCEL", sender="Eve <eve@evil.example>") == []
    both = "Dr Ada <ada@riverside.example>, Cleo <cleo@riverside.example>"
    assert await say(world, "CANCEL", to=receipt["Reply-To"], sender=both) == []
    assert await state(world) is State.AWAITING
    assert codes((await world.reply(receipt, "CANCEL"))[0]) == ["cancelled"]


async def test_mail_over_an_untrusted_path_changes_nothing_and_hears_nothing(world):
    receipt = await asked(world)
    assert await world.reply(receipt, "PATIENT 1980-02-03", trusted=False) == []
    assert await say(world, "LIST", trusted=False, authenticated=False) == []
    assert await state(world) is State.AWAITING


@pytest.mark.parametrize("automatic", [{"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated; x=y"}])
async def test_automatic_mail_is_no_command_and_is_not_answered(world, automatic):
    receipt = await asked(world)
    assert await say(world, "CANCEL", to=receipt["Reply-To"], **automatic) == []
    assert await say(world, "CANCEL", to=receipt["Reply-To"], mail_from="") == []
    assert await state(world) is State.AWAITING


async def test_without_token_and_proof_a_change_must_be_confirmed_by_the_senders_own_mailbox(world):
    await asked(world)
    [confirm] = await say(world, "pat@home.example CANCEL", authenticated=False)
    assert kinds([confirm]) == ["confirm"]
    assert confirm["To"].endswith("<ada@riverside.example>")
    [asked_by] = await world.rows(Audit, action=Act.ASKED_TO_CONFIRM.value)
    assert (asked_by.actor, asked_by.subject) == ("gateway", "sender 1")  # whoever wrote may have forged the author
    assert await state(world) is State.AWAITING
    assert codes((await world.reply(confirm, "YES", sender=CLEO))[0]) == ["not_yours"]
    assert codes((await world.reply(confirm, "YES"))[0]) == ["cancelled"]
    assert await state(world) is State.CANCELLED


async def test_without_token_and_proof_a_question_is_answered_to_the_senders_own_address(world):
    await asked(world)
    [transcript] = await say(world, "LIST", authenticated=False)
    assert codes(transcript) == ["list"]
    assert transcript["To"].endswith("<ada@riverside.example>")


@pytest.mark.parametrize(
    ("fields", "believed"),
    [
        (["mx.riverside.example; dmarc=pass header.from=riverside.example"], True),
        (["mx.riverside.example; dmarc=fail header.from=riverside.example"], False),
        (["mx.riverside.example; dmarc=pass header.from=evil.example"], False),
        (["mx.evil.example; dmarc=pass header.from=riverside.example"], False),
        (
            [
                "mx.evil.example; dmarc=pass header.from=riverside.example",
                "mx.riverside.example; dmarc=pass header.from=riverside.example",
            ],
            False,
        ),
        (["mx.riverside.example; spf=pass (dmarc=pass header.from=riverside.example)"], False),
        ([";;;"], False),
    ],
)
async def test_the_configured_mail_server_vouches_by_dmarc(world, fields, believed):
    await asked(world)
    octets = mail(BOT, "command", "pat@home.example CANCEL")
    octets = "".join(f"Authentication-Results: {field}\r\n" for field in fields).encode() + octets
    await world.receive(octets, BOT, authserv_id="mx.riverside.example")
    assert kinds(await world.deliver()) == (["transcript"] if believed else ["confirm"])


async def test_a_replayed_command_has_one_effect(world):
    receipt = await asked(world)
    octets = mail(receipt["Reply-To"], "Re: x", "PATIENT 1980-02-03")
    for _ in range(3):
        await world.receive(octets)
    assert kinds(await world.deliver()) == ["invitation", "transcript"]


async def test_one_sees_only_ones_own(world):
    await asked(world)
    assert "pat@home.example" not in text((await say(world, "LIST", sender=CLEO))[0])
    [transcript] = await say(world, "pat@home.example STATUS", sender=CLEO)
    assert codes(transcript) == ["not_found"]
    assert codes((await say(world, "pat@home.example CANCEL", sender=CLEO))[0]) == ["not_found"]


# --------------------------------------------------------------------------------------------------------- the verbs


async def test_a_reply_on_several_people_needs_an_address(world):
    receipt = await asked(world, "pat@home.example", "omar@clinic.example")
    [transcript] = await world.reply(receipt, "COLLEAGUE")
    assert codes(transcript) == ["which_person"]
    sent = await world.reply(receipt, "omar@clinic.example COLLEAGUE", "pat@home.example PATIENT 3 Feb 1980")
    assert kinds(sent) == ["invitation", "invitation", "transcript"]
    assert codes(sent[-1] if "transcript" in kinds(sent[-1:]) else sent[0]) == ["invited", "invited"]


@pytest.mark.parametrize("typed", ["1980-02-30", "2080-01-01", "1899-12-31", "03/04/1980", "１９８０-02-03", ""])
async def test_a_date_that_is_none_is_asked_again_and_never_guessed(world, typed):
    receipt = await asked(world)
    [transcript] = await world.reply(receipt, f"PATIENT {typed}")
    assert codes(transcript) == ["details_needed"]
    assert typed not in text(transcript) or not typed
    assert await state(world) is State.AWAITING


async def test_details_are_corrected_by_who_gave_them_and_a_new_link_goes_out(world):
    receipt = await asked(world)
    await world.reply(receipt, "PATIENT 1980-02-04")
    [before] = await world.rows(Invitation)
    sent = await world.reply(receipt, "PATIENT 1980-02-03")
    assert (kinds(sent), codes(sent[0])) == (["invitation", "transcript"], ["corrected"])
    [after] = await world.rows(Invitation)
    assert after.generation == before.generation + 1
    assert await world.desk.ask(_is_birthdate, after, date(1980, 2, 3))
    assert not await world.desk.ask(_is_birthdate, before, date(1980, 2, 3))
    sent = await world.reply(receipt, "PATIENT 1980-02-03")
    assert (kinds(sent), codes(sent[0])) == (["transcript"], ["noted"])
    assert (await world.rows(Invitation))[0].generation == after.generation


async def test_a_second_senders_details_do_not_replace_the_first(world):
    receipt = await asked(world)
    await world.reply(receipt, "PATIENT 1980-02-03")
    second = await asked(world, subject="[secure] Mine", sender=CLEO)
    [transcript] = await world.reply(second, "PATIENT 1999-09-09", sender=CLEO)
    assert codes(transcript) == ["details_stand"]
    await world.reply(receipt, "CANCEL")
    assert codes((await world.reply(second, "PATIENT 1999-09-09", sender=CLEO))[0]) == ["corrected"]


async def test_remind_sends_one_now_and_moves_no_date(world):
    receipt = await asked(world)
    assert codes((await world.reply(receipt, "REMIND"))[0]) == ["details_needed"]
    await world.reply(receipt, "COLLEAGUE")
    due = (await world.rows(Invitation))[0].due_at
    assert kinds(await world.reply(receipt, "resend")) == ["reminder", "transcript"]
    assert (await world.rows(Invitation))[0].due_at == due


async def test_directory_and_patients_are_the_practices_own(world):
    await world.reply(await asked(world), "PATIENT 1980-02-03")
    await world.reply(await asked(world, "omar@clinic.example"), "COLLEAGUE")
    omar = "Dr Omar <omar@hillside.example>"
    await world.reply(await asked(world, "kim@far.example", sender=omar), "COLLEAGUE", sender=omar)
    [directory, patients] = [(await say(world, verb, sender=CLEO))[0] for verb in ("DIRECTORY", "PATIENTS")]
    assert "omar@clinic.example" in text(directory)
    assert "pat@home.example" not in text(directory)
    assert "kim@far.example" not in text(directory)
    assert "pat@home.example" in text(patients)
    assert "'waiting': True" in text(patients)


async def test_invite_without_a_message(world):
    sent = await say(world, "INVITE pat@home.example patient 3 Feb 1980")
    assert kinds(sent) == ["invitation", "transcript"]
    sent = await say(world, "INVITE omar@clinic.example")
    assert codes(sent[0]) == ["details_needed"]
    assert codes((await say(world, "INVITE pat@home.example"))[0]) == ["already_invited"]
    assert codes((await say(world, f"INVITE {BOT}"))[0]) == ["not_found"]


async def test_who_accepted_cannot_be_withdrawn(world):
    receipt = await asked(world)
    await world.reply(receipt, "COLLEAGUE")
    token = world.keys.token(Purpose.INVITE, 1)
    await world.desk.do(registration.register, token, Proof(practice_name="Clinic"), "Pat", "hash")
    await world.deliver()
    assert codes((await world.reply(receipt, "CANCEL"))[0]) == ["too_late"]
    assert codes((await world.reply(receipt, "STATUS"))[0]) == ["status"]
    assert codes((await say(world, "INVITE pat@home.example"))[0]) == ["accepted_already"]


async def test_a_cancelled_invitation_starts_afresh(world):
    receipt = await asked(world)
    await world.reply(receipt, "CANCEL")
    assert codes((await world.reply(receipt, "CANCEL"))[0]) == ["cancelled_already"]
    assert codes((await world.reply(receipt, "COLLEAGUE"))[0]) == ["not_possible"]
    fresh = await asked(world, subject="[secure] Again")
    assert codes(max(await world.reply(fresh, "COLLEAGUE"), key=lambda m: "transcript" in kinds([m]))) == ["invited"]
    assert [invitation.state for invitation in await world.rows(Invitation)] == [State.CANCELLED, State.INVITED]


async def test_prose_and_unknown_verbs_get_help_and_change_nothing(world):
    receipt = await asked(world)
    for line in ("please cancel the appointment", "remind me to call her", "FROBNICATE"):
        assert codes((await world.reply(receipt, line))[0]) == ["unknown"]
    assert codes((await world.reply(receipt, "HELP"))[0]) == ["help"]
    assert await state(world) is State.AWAITING


async def test_prose_below_a_command_is_not_read(world):
    receipt = await asked(world)
    [transcript] = await world.reply(receipt, "STATUS", "Kind regards", "CANCEL")
    assert codes(transcript) == ["status"]
    assert await state(world) is State.AWAITING


async def test_a_yes_given_for_who_one_is_does_not_wave_a_doubtful_address_through(world):
    [confirm] = await say(world, "INVITE cleo@gmail.example clinician", authenticated=False)
    sent = await world.reply(confirm, "YES")
    assert kinds(sent) == ["confirm", "transcript"]
    assert await state(world, "cleo@gmail.example") is State.AWAITING


# --------------------------------------------------------------------------------------------------- the sender's page


async def test_the_senders_page_shows_and_does_what_the_mail_does(world):
    await asked(world)
    [waiting_sender], [sender] = await world.rows(WaitingSender), await world.rows(Sender)
    today = world.clock.now().date().toordinal()
    token = world.keys.token(Purpose.INVITATION_PAGE, waiting_sender.id, today)
    page = await world.desk.ask(sender_page, token, PeopleFilter())
    assert (page.focus, page.people[0].address) == (True, "pat@home.example")
    [result] = await world.desk.do(by_page, token, made(Verb.PATIENT, address("pat@home.example"), details=PATIENT))
    assert result.code == "invited"
    assert kinds(await world.deliver()) == ["invitation"]
    [result] = await world.desk.do(
        by_page, world.keys.token(Purpose.SENDER_PAGE, sender.id, today), made(Verb.CANCEL, address("pat@home.example"))
    )
    assert result.code == "cancelled"
    assert kinds(await world.deliver()) == ["cancelled"]
    for dead in (
        "",
        "w",
        "waaaa",
        world.keys.token(Purpose.INVITE, 1),
        token[:-1] + ("a" if token[-1] != "a" else "b"),
    ):
        assert await world.desk.ask(sender_page, dead, PeopleFilter()) is None
        assert await world.desk.do(by_page, dead, made(Verb.CANCEL, address("pat@home.example"))) is None


# -------------------------------------------------------------------------------- a hop over which nothing may travel


async def test_where_a_reply_may_not_travel_the_sender_is_invited_to_the_portal():
    world = World(site=replace(World().site, replies_may_travel=False))
    await world.receive(mail(subject="[secure patient 1980-02-03] x"))
    await world.deliver()
    account = await world.desk.do(
        registration.register, world.keys.token(Purpose.INVITE, 1), Proof(birthdate=BORN), "Pat", "hash"
    )
    await world.deliver()
    await world.desk.do(_reply, account, world.content.put(b"Content-Type: text/plain\r\n\r\nThe answer"))
    sent = await world.deliver()
    assert kinds(sent) == ["invitation"]
    assert sent[0]["To"] == "Dr Ada <ada@riverside.example>"
    assert [copy.state.value for copy in await world.rows(Copy)] == ["inbox", "held"]
    assert len(await world.rows(Account)) == 1


def _reply(ctx, account, sealed):
    return messages.reply(ctx, account, 1, messages.Written(sealed, "Re: x", "<p@secure.riverside.example>"))


@pytest.mark.parametrize(("verb", "shown"), [("LIST", [0, 1]), ("PATIENTS", [3, 4])])
async def test_a_long_list_is_cut_and_says_so(world, monkeypatch, verb, shown):
    monkeypatch.setattr("gateway.flow.commands.verbs.MOST", 2)
    for number in range(5):
        await world.receive(mail(f"pat{number}@home.example", "[secure patient 1980-02-03] Results"))
        await world.deliver()
    said = text((await say(world, verb))[0])
    assert sorted(set(re.findall(r"'address': 'pat(\d)@", said))) == [str(number) for number in shown]
    assert "'more': 3" in said


def test_every_verb_does_something():
    assert set(verbs._HANDLERS) == set(Verb)


def _is_birthdate(ctx, invitation, born):
    return ctx.is_birthdate(invitation.id, invitation.birthdate_digest, born)
