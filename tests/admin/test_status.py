"""`gateway status` names what needs a person, and only that."""

import os
from datetime import timedelta

import pytest

from gateway.admin import status
from gateway.admin.access import do
from gateway.config.toml_file import load
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryKind, DeliveryState
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import sole_use
from gateway.flow import meta
from gateway.setup import Answers, set_up

NOBODY = "not serving: Nobody serves: no mail is taken in, and none is sent. Start the gateway. gateway serve"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for part in ("SMTP", "PORTAL", "METRICS"):
        monkeypatch.setenv(f"GATEWAY_{part}__LISTEN", "127.0.0.1:0")
    folder = tmp_path / "gateway"
    set_up(
        folder,
        Answers(
            "secure.riverside.example",
            "Riverside",
            "riverside.example",
            "127.0.0.1:1",
            "https://secure.riverside.example",
        ),
    )
    return load(folder / "gateway.toml")


def queued(**more):
    now = the_clock().now()
    told = {"kind": DeliveryKind.PASS, "recipient": "pat@home.example", "created_at": now, "due_at": now} | more
    return Delivery(**told)


def test_a_gateway_that_serves_and_has_nothing_to_do_needs_nobody(settings):
    assert status.look(settings, deep=False).needs == (NOBODY,)
    with sole_use(settings.database_path.with_name("gateway.db.serving")):
        found = status.look(settings, deep=True)
    assert (found.serves, found.needs, found.database["damage"]) == (True, (), "")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"due_at": the_clock().now() - timedelta(hours=3), "created_at": the_clock().now() - timedelta(hours=3)},
         "overdue: Mail is not sent in time: the oldest should have left 3 hours ago (since "),
        (
            {"state": DeliveryState.QUARANTINED},
            "set aside: Mails were set aside because they could not be prepared, or came back from their sender: 1",
        ),
        ({"state": DeliveryState.PAUSED}, "paused: Mails are paused: 1. Release them"),
        ({"created_at": the_clock().now() + timedelta(hours=1)}, "clock: The clock of this machine is behind"),
    ],
)  # fmt: skip
def test_what_waits_too_long_needs_a_person(settings, row, said):
    do(settings, lambda ctx: ctx.tx.add(queued(**row)))
    _, *needs = status.look(settings, deep=False).needs
    assert [one for one in needs if one.startswith(said)]


def test_an_old_backup_and_a_listener_that_does_not_answer_need_a_person(settings, monkeypatch):
    monkeypatch.setenv("GATEWAY_SMTP__LISTEN", "127.0.0.1:1")
    settings = load(settings.database_path.with_name("gateway.toml"))
    then = the_clock().now() - timedelta(days=3)
    do(settings, lambda ctx: meta.put(ctx.tx, "last backup", then.isoformat().encode()))
    with sole_use(settings.database_path.with_name("gateway.db.serving")):
        found = status.look(settings, deep=False)
    assert [need.partition(":")[0] for need in found.needs] == ["listener", "backup old"]


def test_a_damaged_database_is_named_when_it_is_looked_through(settings):
    file = settings.database_path
    do(settings, lambda ctx: meta.put(ctx.tx, "much", b"x" * 40_000))
    with file.open("r+b") as opened:
        opened.seek(-8192, os.SEEK_END)
        opened.write(b"\xff" * 64)
    found = status.look(settings, deep=True)
    assert any("is damaged" in need for need in found.needs)
