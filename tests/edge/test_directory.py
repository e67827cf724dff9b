"""The site's directory of people: what it says is remembered, and without its word nothing is guessed."""

import asyncio
from dataclasses import replace

import pytest

from gateway.domain.address import address
from gateway.domain.model import Delivery as DeliveryRow
from gateway.domain.model import Invitation
from gateway.domain.model_records import DirectoryEntry, Known, ListedPerson
from gateway.domain.site import Directory
from gateway.domain.vocabulary import DeliveryKind, DeliveryState, Role, State
from gateway.edge import directory as ldap_directory
from gateway.edge.directory import Ldap, LdapDirectory
from gateway.errors import DirectoryDown, NotASender
from gateway.flow.upkeep import retention
from tests.practice import ADA, BOT, PATIENT_TAG, SITE, World, mail

POLICY = Directory(
    domains=frozenset({"riverside.example", "shared.example", "hospital.example"}),
    relays=frozenset({"hospital.example"}),
    knows_practices=True,
)
LIA, ROB, EVE = "lia@riverside.example", "rob@hospital.example", "eve@shared.example"
CLINICIAN = Known(practice_id="riverside", name="Lia", role=Role.CLINICIAN)
OF_LIA = "Lia <lia@shared.example>"


class Fake:
    """The port `Directory`; `is_down` makes it silent. `asked` is whom it was asked about."""

    def __init__(self, **known):
        self.known = {f"{name.replace('_', '@')}.example": one for name, one in known.items()}
        self.is_down = False
        self.asked = []

    async def look_up(self, addresses):
        self.asked += [one.key for one in addresses]
        return {} if self.is_down else {one.key: self.known.get(one.key, Known()) for one in addresses}


@pytest.fixture
def fake():
    return Fake(
        ada_riverside=Known(practice_id="riverside"),
        lia_riverside=CLINICIAN,
        lia_shared=Known(practice_id="riverside"),
        rob_hospital=Known(has_secure_mail=True),
    )


@pytest.fixture
def world(fake):
    world = World(site=replace(SITE, directory=POLICY))
    world.desk = replace(world.desk, directory=fake)
    return world


async def states(world):
    return {one.address: one.state for one in await world.rows(Invitation)}


async def test_a_colleague_is_invited_at_once_and_a_stranger_asked_about(world):
    await world.write(ADA, LIA, "new@riverside.example")
    assert await states(world) == {LIA: State.INVITED, "new@riverside.example": State.AWAITING}
    assert (await world.one(Invitation, address=LIA)).role is Role.CLINICIAN


async def test_whom_the_directory_places_writes_for_that_practice(world, fake):
    await world.write(OF_LIA, "pat@home.example", tag=PATIENT_TAG)
    with pytest.raises(NotASender):
        await world.write("Eve <eve@shared.example>", "pat@home.example")


async def test_only_who_has_a_mailbox_there_is_relayed(world):
    await world.write(ADA, ROB, "new@hospital.example")
    assert await states(world) == {"new@hospital.example": State.AWAITING}
    assert [one.recipient for one in await world.rows(DeliveryRow, kind=DeliveryKind.RELAY)] == [ROB]


async def test_an_answer_is_good_for_its_time_that_nobody_is_known_as_well(world, fake):
    await world.write(ADA, LIA, "new@riverside.example")
    fake.asked.clear()
    await world.write(ADA, "new@riverside.example")
    assert fake.asked == []
    world.clock.advance(hours=1)
    await world.write(ADA, "new@riverside.example")
    assert sorted(fake.asked) == ["ada@riverside.example", "new@riverside.example"]


async def test_patients_elsewhere_are_never_asked_about(world, fake):
    await world.write(ADA, "pat@home.example", tag=PATIENT_TAG)
    assert fake.asked == ["ada@riverside.example"]


@pytest.mark.parametrize("subject", ["Lunch?", "Re: Lunch?"])
async def test_ordinary_mail_asks_nothing_and_passes_while_it_is_down(world, fake, subject):
    fake.is_down = True
    await world.receive(mail(LIA, subject, References="<a@b.example>"))
    assert fake.asked == []
    assert [one.state for one in await world.rows(DeliveryRow)] == [DeliveryState.QUEUED]


@pytest.mark.parametrize("subject", ["[secure] Results", "(secure) Results"])
async def test_without_an_answer_what_may_be_secure_waits_and_nothing_is_kept(world, fake, subject):
    fake.is_down = True
    before = await world.everything()
    with pytest.raises(DirectoryDown) as caught:
        await world.receive(mail(LIA, subject))
    assert caught.value.smtp_reply.startswith("451 4.4.3")
    assert await world.everything() == before
    fake.is_down = False
    await world.receive(mail(LIA, subject))


async def test_a_command_waits_as_well(world, fake):
    fake.is_down = True
    with pytest.raises(DirectoryDown):
        await world.receive(mail(BOT, "LIST", "LIST"))


async def test_an_old_answer_is_good_while_it_is_down_but_not_for_ever(world, fake):
    await world.write(ADA, LIA)
    fake.is_down = True
    world.clock.advance(hours=23)
    await world.write(ADA, LIA)
    assert await states(world) == {LIA: State.INVITED}
    world.clock.advance(hours=2)
    with pytest.raises(DirectoryDown):
        await world.write(ADA, LIA)


async def test_whom_lists_and_accounts_answer_for_is_not_asked_about(world, fake):
    fake.is_down = True
    rows = [(EVE, Role.STAFF), ("ada@riverside.example", None)]
    for key, role in rows:
        row = ListedPerson(practice_id="riverside", address=key, typed=key, role=role, added_at=world.clock.now())
        await world.store.write(lambda tx, row=row: tx.add(row))
    await world.registered(LIA)
    await world.write(ADA, EVE, LIA)
    assert fake.asked == []
    assert await states(world) == {EVE: State.INVITED}


async def test_of_a_mail_to_very_many_some_are_asked_about_each_time(world, fake, monkeypatch):
    monkeypatch.setattr("gateway.edge.accept.MOST_ASKED", 3)
    octets = mail(", ".join(f"p{number}@riverside.example" for number in range(7)))
    for count in (3, 6):
        with pytest.raises(DirectoryDown):
            await world.receive(octets)
        assert len(await world.rows(DirectoryEntry)) == count
    await world.receive(octets)


async def test_answers_are_forgotten(world):
    await world.write(ADA, LIA)
    world.clock.advance(hours=25)
    await world.desk.do(retention.forget)
    assert await world.rows(DirectoryEntry) == []


# -------------------------------------------------------------------------------------------------------------- entries

LDAP = Ldap(
    host="127.0.0.1",
    port=1,
    from_start=False,
    tls=False,
    ca_file=None,
    bind_dn="",
    password="",
    base="dc=x",
    filter="(|(mail={address})(proxyAddresses=smtp:{address}))",
    name="displayName",
    role="employeeType",
    roles={"nurse": Role.CLINICIAN},
    other_role=None,
    practice="ou",
    practices={"riverside": "riverside"},
    bases=[("ou=Hill, dc=x", "hillside")],
    domains={},
    secure_mail="secure",
    timeout=1,
)


def known(dn="uid=lia,dc=x", kind="searchResEntry", **values):
    raw = {name: [one.encode() for one in some] for name, some in values.items()}
    return LDAP.known(address("lia@x.example"), [{"type": kind, "dn": dn, "raw_attributes": raw}])


def test_an_entry_is_read():
    found = known(displayName=["Dr  Lia"], employeeType=["x", "Nurse"], ou=["other", "RIVERSIDE"], secure=["yes"])
    assert found == Known(practice_id="riverside", name="Dr Lia", role=Role.CLINICIAN, has_secure_mail=True)


@pytest.mark.parametrize(("dn", "practice"), [("uid=lia,ou=hill,dc=x", "hillside"), ("uid=lia,ou=uphill,dc=x", "")])
def test_a_practice_is_known_by_where_its_people_are(dn, practice):
    assert known(dn).practice_id == practice


@pytest.mark.parametrize("said", ["FALSE", "0", "no", ""])
def test_what_says_no_is_no_mailbox(said):
    assert not known(secure=[said]).has_secure_mail


@pytest.mark.parametrize(("flags", "is_known"), [("512", True), ("514", False), ("x", True)])
def test_a_disabled_account_is_nobody(flags, is_known):
    assert bool(known(ou=["riverside"], userAccountControl=[flags]).practice_id) is is_known


def test_a_referral_and_two_of_one_address_are_nobody():
    assert known(kind="searchResRef") == Known()
    entry = {"type": "searchResEntry", "dn": "ou=hill,dc=x", "raw_attributes": {}}
    assert LDAP.known(address("lia@x.example"), [entry, entry]) == Known()


def test_what_a_directory_holds_is_bounded_and_clean():
    found = LDAP.known(
        address("lia@x.example"),
        [
            {
                "type": "searchResEntry",
                "dn": "uid=x,ou=hill,dc=x",
                "raw_attributes": {"displayName": [b"\x1b[31m\r\nBcc: x\xff" + b"y" * 10**6]},
            }
        ],
    )
    assert found.name.startswith("[31m Bcc: x\ufffdyy")
    assert len(found.name) <= 200


def test_an_address_cannot_change_the_question():
    asked = LDAP.query(address("a*@x.example"))
    assert asked == r"(|(mail=a\2a@x.example)(proxyAddresses=smtp:a\2a@x.example))"


async def test_it_is_asked_once_for_an_address_and_rests_after_a_failure(monkeypatch):
    told, asked = [], []
    directory = LdapDirectory(LDAP, told.append)

    def search(who):
        asked.append(who.key)
        if who.key.startswith("bad"):
            raise DirectoryDown("refused")
        return CLINICIAN

    monkeypatch.setattr(directory, "_search", search)
    lia, bad = address("lia@x.example"), address("bad@x.example")
    found = await asyncio.gather(*(directory.look_up([lia]) for _ in range(5)))
    assert found == [{lia.key: CLINICIAN}] * 5
    assert asked == [lia.key]
    assert await directory.look_up([bad]) == {}
    assert await directory.look_up([lia]) == {}
    assert asked == [lia.key, bad.key]
    monkeypatch.setattr(ldap_directory, "REST", 0)
    directory._rests_until = 0
    assert await directory.look_up([lia]) == {lia.key: CLINICIAN}
    assert told == [True, False, True]
    directory.close()
