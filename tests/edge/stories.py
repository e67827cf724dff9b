"""Stories that between them bring about every notice, as real flows queue them."""

from dataclasses import replace

from gateway.domain.address import address
from gateway.domain.commands import made
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, AddressChange, Copy, Delivery, Invitation, Sender
from gateway.domain.retry import POISON_TRIES
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import DeliveryKind, Notice, Purpose
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from gateway.flow.administration import leaving
from gateway.flow.commands.sender_page import by_page, renew
from gateway.flow.inbox import messages
from gateway.flow.invitations import invite
from gateway.flow.invitations.new_link import ask_again
from gateway.flow.outbound import deliver
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World, bare, mail

STAFFED = replace(SITE, practices=tuple(replace(one, fallback=f"front@{one.domains[0]}") for one in SITE.practices))
_LIVES: list[World] = []


async def lives() -> list[World]:
    """All of them; told once, since they are only looked at."""
    if not _LIVES:
        _LIVES.extend(await told())
    return _LIVES


async def told() -> list[World]:
    """All of them, told anew."""
    asked, invited, elsewhere = World(TEMPLATES), World(TEMPLATES), World(TEMPLATES)
    await asked.write(ADA, PAT)
    await asked.days(8)
    await asked.collect()
    await invited.write(ADA, PAT, tag=PATIENT_TAG)
    await invited.days(31)
    await invited.collect()
    await elsewhere.write(ADA, PAT, tag="secure clinician")
    await elsewhere.say("CANCEL", token=(await elsewhere.sender_token()))
    others = [locked, asked_again, answered, questioned, many_mails, observed, accepted, changed, cancelled_by_page]
    others += [bounced, unheard_of, dead_mailbox, misspelt, set_aside, head_sent, left]
    return [asked, invited, elsewhere, *[await one() for one in others]]


async def locked() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.try_birthdate(times=3)
    return world


async def questioned() -> World:
    """A mail that nearly is marked, asked about until it is given up; one that is answered, and one to a crowd."""
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag="secured")
    await world.days(8)
    await world.collect()
    await world.write(ADA, PAT, tag="secrue patient 1980-02-03")
    await world.say("YES", token=(await world.question_token()))
    await world.write(ADA, *(f"p{number}@home.example" for number in range(12)))
    return world


async def set_aside() -> World:
    """A mail that cannot be prepared, which its sender and the postmaster are told."""
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    row = await world.one(Delivery, notice=Notice.INVITATION)
    for attempts in range(1, POISON_TRIES + 1):
        await world.desk.do(deliver.record_poison, replace(row, attempts=attempts), "TemplateError")
    await world.days(1)
    await world.collect()
    return world


async def left() -> World:
    """The gateway is taken out of use while mail is held for one, and another has an account."""
    world = await accepted()
    await world.write(ADA, "Omar <omar@home.example>", tag=PATIENT_TAG)
    await world.write(ADA, "Una <una@home.example>")
    await world.deliver()
    await world.desk.do(leaving.hand_back, 0, 20)
    await world.desk.do(leaving.end_invitations, 0, 20)
    await world.desk.do(leaving.tell_accounts, world.clock.now().date(), 20)
    await world.collect()
    return world


async def head_sent() -> World:
    """A site whose auditor gets the head of the audit's chain each day."""
    world = World(TEMPLATES, site=replace(SITE, audit_heads_to="auditor@elsewhere.example"))
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(2)
    await world.collect()
    return world


async def observed() -> World:
    """A site that only observes."""
    world = World(TEMPLATES, site=replace(SITE, observes=True))
    await world.write(ADA, PAT)
    await world.days(1)
    await world.collect()
    return world


async def many_mails() -> World:
    """A mail merge."""
    world = World(TEMPLATES)
    await world.say("PLAIN")
    for name in ("ann@home", "ben@home", "pat@home", "uma@home", "x@hospital", "kim@home"):
        await world.receive(mail(f"{name}.example", "[secure] Invitation to a check-up"))
    await world.collect()
    return world


async def asked_again() -> World:
    """Somebody holds a link that has died, and asks for a new one: of each kind of invitation."""
    world = await locked()
    await world.write(ADA, "uma@home.example", tag=PATIENT_TAG)
    for row in await world.desk.do(lambda ctx: ctx.tx.find(Invitation)):
        if row.address == "uma@home.example":
            await world.desk.do(invite.transition, row, Event.CANCEL)
        await world.desk.do(ask_again, world.desk.keys.token(Purpose.INVITE, row.id, row.generation))
    await world.collect()
    return world


async def answered() -> World:
    """Pat answers the invitation, again and again; once she has an account, too; and so does somebody else."""
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    for author in (PAT, PAT, PAT, PAT, PAT, "Sam <sam@elsewhere.example>", PAT):
        if author != PAT:
            await world.accept()
            world.clock.advance(days=1)
        await world.receive(mail(_answers_to(world), "Re: x", sender=author), mail_from=bare(author), trusted=False)
    world.clock.advance(days=1)
    await world.receive(mail(_answers_to(world), "Re: x", sender=PAT), mail_from=bare(PAT), trusted=False)
    await world.collect()
    return world


def _answers_to(world: World) -> str:
    return str(world.last(Notice.INVITATION).facts["reply_to"])


async def accepted() -> World:
    """Pat registers; a later mail goes to the inbox; one to a secure domain, and Pat's answer, fail."""
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    account = await world.accept()
    await world.write(ADA, PAT)
    await world.write(ADA, "x@hospital.example")
    await world.bounce(DeliveryKind.RELAY)
    copy = await world.one(Copy, account_id=account.id)
    written = messages.Written(world.content.put(b"an answer"), "Re", "<answer@secure.riverside.example>")
    await world.desk.do(messages.reply, account, copy.id, written)
    await world.bounce(DeliveryKind.REPLY, Notice.REPLY)
    return world


async def cancelled_by_page() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await world.desk.do(
        by_page, world.mails[0].facts["people"][0]["page"], made(Verb.CANCEL, address("pat@home.example"))
    )
    await world.collect()
    return world


async def changed() -> World:
    """Pat forgets her password, and changes what there is to change; Ada has an old link to her page."""
    world = await accepted()
    account = await world.one(Account)
    await world.desk.do(accounts.ask_reset, account.address)
    for change in accounts.CHANGES:
        await world.desk.do(accounts.tell, account, change)
    await _moved(world, account)
    sender = await world.one(Sender)
    made_on = world.clock.now().date().toordinal()
    await world.days(8)
    await world.desk.do(renew, world.keys.token(Purpose.SENDER_PAGE, sender.id, made_on))
    await world.collect()
    return world


async def _moved(world: World, account: Account) -> None:
    """She takes another address, tries one that has an account, and calls it all back."""
    await world.desk.do(new_address.ask, account, address("patricia@home.example"))
    change = await world.one(AddressChange)
    await world.desk.do(new_address.confirm, account, world.keys.token(Purpose.NEW_ADDRESS, change.id), 0)
    await world.desk.do(new_address.ask, await world.one(Account), address("patricia@home.example"))
    await world.desk.do(new_address.stop, world.keys.token(Purpose.OLD_ADDRESS, change.id))


async def unheard_of() -> World:
    """A machine writes secure mail: its practice's fallback is asked in its place."""
    world = World(TEMPLATES, site=STAFFED)
    await world.write("Records <noreply@riverside.example>", PAT)
    await world.days(8)
    await world.collect()
    return world


async def dead_mailbox() -> World:
    """Mail to Ada comes back while people are in every state."""
    world = World(TEMPLATES, site=STAFFED)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.receive(mail(_answers_to(world), "Re: x", sender=PAT), mail_from=bare(PAT), trusted=False)
    await world.try_birthdate(times=3)
    await world.write(ADA, "uma@home.example", tag=PATIENT_TAG)
    for some in (range(8), range(8, 16), range(16, 24)):
        await world.write(ADA, *(f"{n}@home.example" for n in some))
    await world.days(2)
    await world.collect()
    await world.bounce(DeliveryKind.NOTICE, Notice.DETAILS_AGAIN)
    await world.days(6)
    await world.collect()
    await world.bounce(DeliveryKind.NOTICE, Notice.LAPSED)
    await world.collect()
    await world.bounce(DeliveryKind.NOTICE, Notice.ANSWERED)
    await world.accept()
    await world.collect()
    await world.bounce(DeliveryKind.NOTICE, Notice.ANSWERED)
    return world


async def misspelt() -> World:
    """One of the recipients is none: beside somebody who waits, beside somebody who has an account, in a run."""
    world = World(TEMPLATES)
    for _ in range(9):
        await world.write(ADA, PAT, "hana.@home.example", tag=PATIENT_TAG)
    await world.accept()
    world.clock.advance(hours=1)
    await world.write(ADA, PAT, "hana.@home.example")
    return world


async def bounced() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.bounce(DeliveryKind.NOTICE, Notice.INVITATION)
    return world
