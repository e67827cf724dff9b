"""Backup and restore with real processes: the drill of docs/restore-drill.md, and what must not come back."""

import json
import re
import shlex
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.peers import preloaded
from tests.peers.ledger import Load, drained
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

DRILL = Path(__file__).resolve().parents[2] / "docs/restore-drill.md"
ADA, BEA = "ada@riverside.example", "bea@riverside.example"
PAT, RAY, SUE = "pat@home.example", "ray@home.example", "sue@home.example"
BODY, SUBJECT, BIRTHDATE = "Your haemoglobin is fine", "Results-of-Tuesday", "1980-02-03"


def blocks() -> list[str]:
    """The code blocks of the drill."""
    return re.findall(r"^```sh\n(.*?)^```$", DRILL.read_text("utf-8"), re.MULTILINE | re.DOTALL)


class Drill:
    """A gateway in a folder that will be lost; its ledger has a copy elsewhere, and its recovery key is elsewhere."""

    def __init__(self, place: Path, hop) -> None:
        self.served = Served(place / "gateway", hop.port)
        self.place = place
        self.data: Path | None = None
        settings = self.served.folder / "gateway.toml"
        settings.write_text(f'{settings.read_text()}\n[ledger]\ncopies = ["{place / "gateway.ledger"}"]\n')
        (self.served.folder / "gateway.recovery").rename(place / "gateway.recovery")
        self.names = {
            "LIVE": str(settings),
            "BACKUPS": str(place / "backups"),
            "KEY": str(place / "gateway.recovery"),
            "LEDGER": str(place / "gateway.ledger"),
            "DRILL": str(place / "drill"),
            "NEW": str(place / "new"),
        }

    def type(self, line: str, *more: str, code: int = 0) -> str:
        """Type a command of the drill; what it says."""
        clock = self.place / "now"
        clock.write_text(self.served.now.isoformat())
        words = [re.sub(r"\$(\w+)", lambda name: self.names[name[1]], word) for word in shlex.split(line)]
        environment = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "COLUMNS": "200", "GATEWAY_CLOCK_FILE": str(clock)}
        environment |= {f"GATEWAY_{name}": value for name, value in self.served.settings.items()}
        done = preloaded.run(words[0], [*words[1:], *more], environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def back_up(self, *more: str) -> dict:
        return json.loads(self.type('gateway backup "$BACKUPS" --config "$LIVE"', "--json", *more).splitlines()[0])

    def all_told(self, hop) -> list[str]:
        """The Message-IDs of what the hop has, once the ledger's copy tells of all of it."""
        wait_for(lambda: not self.served.rows("SELECT * FROM ledger_entry"))
        wait_for(lambda: self._told_sent() >= len(hop.messages()), 20)
        return [taken.message["Message-ID"] for taken in hop.messages()]

    def _told_sent(self) -> int:
        lines = map(json.loads, Path(self.names["LEDGER"]).read_text().splitlines())
        return sum(len(line["subject"].split()) for line in lines if line["kind"] == "sent")

    def put_data_apart(self) -> None:
        """The layout of the Debian package: the data is not beside the settings."""
        self.data = self.place / "var"
        self.data.mkdir()
        for file in [*self.served.folder.glob("gateway.db*"), *self.served.folder.glob("gateway.ledger")]:
            file.rename(self.data / file.name)
        self.served.database = self.data / "gateway.db"
        settings = self.served.folder / "gateway.toml"
        text = settings.read_text().replace("[ledger]", f'[ledger]\nfile = "{self.data}/gateway.ledger"')
        settings.write_text(f'{text}\n[database]\nurl = "sqlite:///{self.data}/gateway.db"\n')

    def lose_machine(self) -> None:
        self.served.end(signal.SIGKILL)
        shutil.rmtree(self.served.folder)
        if self.data:
            shutil.rmtree(self.data)
            self.data.mkdir()  # as the package makes it on the next machine

    def restore(self, *more: str, code: int = 0) -> str:
        line = 'gateway restore "$BACKUPS" --config "$NEW" --recovery-key "$KEY"'
        return self.type(line, *(more or ("--ledger", self.names["LEDGER"])), "--json", code=code)

    def move_in(self) -> None:
        """Go on in the new folder."""
        self.served.folder = Path(self.names["NEW"])
        self.served.database = (self.data or self.served.folder) / "gateway.db"
        self.served.turn()


@pytest.fixture
def drill(tmp_path, hop):
    drill = Drill(tmp_path, hop)
    yield drill
    drill.served.end(signal.SIGKILL)


def invite(served, mail, to, author=ADA, body=BODY):
    """Secure mail to a stranger, who is invited; the invitation's link."""
    served.send(f"Dr A <{author}>", to, f"[secure patient {BIRTHDATE}] {SUBJECT}", body)
    return mail.link(mail.next("invitation", to))


def cancel(served, mail, author):
    """The author takes back what they wrote."""
    receipt = mail.next("receipt", author)
    served.send(author, receipt["Reply-To"], f"Re: {receipt['Subject']}", "CANCEL")
    mail.next("transcript", author)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own portal
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("is_packaged", [False, True])
def test_the_drill_as_the_page_has_it(drill, hop, is_packaged):
    if is_packaged:
        drill.put_data_apart()
    names, back_up, verify, rehearse, look, restore, check = blocks()
    assert {line.partition("=")[0] for line in names.splitlines()} == drill.names.keys()
    served, mail = drill.served, Mailboxes(hop)
    served.start()
    link, gone = invite(served, mail, PAT), invite(served, mail, RAY, BEA, "x" * 100_000)
    with Load(served.smtp_port, senders=2) as load:
        wait_for(lambda: len(load.ledger.told) > 5, 30)
        drill.type(back_up)
        enough = len(load.ledger.told) + 5
        wait_for(lambda: len(load.ledger.told) > enough, 30)
    cancel(served, mail, BEA)
    wait_for(lambda: drained(served), 60)
    drill.type(verify)
    before = drill.all_told(hop)
    ledgers = [(drill.data or served.folder) / "gateway.ledger", Path(drill.names["LEDGER"])]
    told = [file.read_bytes() for file in ledgers]
    assert "Destroyed since the backup" in drill.type(rehearse)
    assert "restored as a drill on 2026-03-02" in drill.type(look)
    assert "restored as a drill" in drill.type('gateway serve --config "$DRILL"/gateway.toml', code=78)
    assert all(file.read_bytes().startswith(known) for file, known in zip(ledgers, told, strict=True))
    assert b'"restored"' not in ledgers[0].read_bytes() + ledgers[1].read_bytes()
    drill.lose_machine()

    said = drill.type(restore)
    drill.type(check)
    drill.move_in()
    served.start()
    served.catch_up()
    wait_for(lambda: drained(served), 60)
    assert "Destroyed since the backup" in said
    assert (status_of(link), status_of(gone)) == (200, 404)
    assert served.rows("SELECT count(*) FROM copy WHERE address = ? AND wrapped_key IS NOT NULL", RAY) == [(0,)]
    after = [taken.message["Message-ID"] for taken in hop.messages()][len(before) :]
    assert not set(after) & set(before)


def test_what_left_after_the_snapshot_is_not_sent_again_and_no_number_is_used_again(drill, hop):
    """Two mails wait for the hop while the backup is taken. What came later is lost, and its link is nobody else's."""
    served, mail = drill.served, Mailboxes(hop)
    hop.stop()
    served.start()
    served.send(ADA, PAT, "Lunch", "An ordinary mail.")
    served.send(BEA, PAT, f"[secure patient {BIRTHDATE}] {SUBJECT}", BODY)
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'queued' AND attempts > 0") > [(2,)])
    assert drill.back_up()["passing"] == 1
    hop.start()
    served.turn(hours=2)
    kept = mail.link(mail.next("invitation", PAT))
    lost = invite(served, mail, RAY, BEA)
    served.turn(days=3)
    mail.next("reminder", PAT)
    wait_for(lambda: drained(served), 20)
    before = drill.all_told(hop)
    drill.lose_machine()

    said = json.loads(drill.restore().splitlines()[0])
    assert said["sent_already"] >= 3  # the mail that passes, the invitation, the receipt
    drill.move_in()
    served.start()
    served.catch_up()
    wait_for(lambda: drained(served), 20)
    assert [taken.message["X-Gateway-Notice"] for taken in hop.messages()][len(before) :] == []
    fresh = invite(served, mail, SUE, BEA)
    assert [status_of(link) for link in (kept, lost, fresh)] == [200, 404, 200]
    for table in ("invitation", "message", "copy", "delivery", "waiting_sender"):
        [(low, high)] = served.rows(f"SELECT min(id), max(id) FROM {table}")  # noqa: S608 - our own tables
        assert low < 100 < said["numbers_from"] <= high, table


def test_no_known_word_is_on_any_disk(drill, hop):
    """Of a body, a subject and a birthdate nothing is in clear: database, log, backup of either kind, ledger, logs."""
    served, mail = drill.served, Mailboxes(hop)
    served.start()
    invite(served, mail, PAT)
    invite(served, mail, RAY, BEA, f"{BODY} {'y' * 100_000}")
    drill.back_up()
    cancel(served, mail, BEA)
    served.settings["BACKUP__RECOVERY_KEY"] = ""
    drill.names["BACKUPS"] += "-plain"
    assert not drill.back_up()["encrypted"]
    wait_for(lambda: "copy" in Path(drill.names["LEDGER"]).read_text())
    files = [file for file in drill.place.rglob("*") if file.is_file()]
    octets = {file: file.read_bytes() for file in files}
    for word in (BODY, SUBJECT, BIRTHDATE, BIRTHDATE.replace("-", "")):
        assert not [file for file in files if word.encode() in octets[file]], word
    addresses = {file.name for file in files if b"home.example" in octets[file]}
    assert not [name for name in addresses if "ledger" in name or name.endswith(".age")]


def backed_up(drill, mail):
    """A gateway that holds one large mail has taken a backup: where, and the file of that mail's content."""
    drill.served.start()
    invite(drill.served, mail, PAT, body="x" * 100_000)
    drill.back_up()
    backups = Path(drill.names["BACKUPS"])
    [content] = (backups / "content").iterdir()
    return backups, content


def test_a_backup_that_was_doctored_or_has_lost_a_file_is_refused_by_name(drill, hop):
    backups, content = backed_up(drill, Mailboxes(hop))
    whole = content.read_bytes()
    content.write_bytes(whole[:-1])
    verify = 'gateway backup "$BACKUPS" --config "$LIVE" --verify'
    assert f"{content.name} is not as it was written" in drill.type(verify, code=65)
    assert f"{content.name} is not as it was written" in drill.restore(code=65)
    content.rename(drill.place / "aside")
    assert f"{content.name} is missing" in drill.type(verify, code=65)
    content.write_bytes(whole)
    assert "not checked: whether the database and the holds open" in drill.type(verify)

    [manifest] = backups.glob("snapshots/*/manifest.json")
    manifest.write_text(manifest.read_text().replace('"holds": 1', '"holds": 0'))
    assert "manifest.json is not as" in drill.type(verify, code=65)
    assert "manifest.json is not as" in drill.restore(code=65)
    assert not Path(drill.names["NEW"]).exists()


def test_a_restore_wants_the_right_ledger_and_an_empty_place(drill, hop):
    served, mail = drill.served, Mailboxes(hop)
    served.start()
    invite(served, mail, RAY, BEA)
    cancel(served, mail, BEA)
    ledger = Path(drill.names["LEDGER"])
    wait_for(lambda: "copy" in ledger.read_text())
    served.end()
    drill.back_up()
    lines = ledger.read_text().splitlines(keepends=True)
    (drill.place / "older").write_text(lines[0])
    ledger.rename(drill.place / "aside")
    assert "it is an older one" in drill.restore("--ledger", str(drill.place / "older"), code=78)
    (drill.place / "aside").rename(ledger)
    for name, those, said in (
        (
            "altered",
            [lines[0].replace('"subject": "', '"subject": "9'), *lines[1:]],
            "not as it was written",
        ),
        ("cut", lines[1:], "line 2 is not as it was written"),
    ):
        (drill.place / name).write_text("".join(those))
        assert said in drill.restore("--ledger", str(drill.place / name), code=78)
    assert f"{drill.place / 'older'} tells less" in drill.restore("--ledger", str(drill.place / "older"))
    assert "is there already" in drill.restore("--ledger", str(ledger), code=78)

    shutil.rmtree(drill.names["NEW"])
    new = Path(drill.names["NEW"])
    left = new / "gateway.db.restoring"
    left.mkdir(parents=True)
    (left / "placing").touch()
    (new / "gateway.db").write_text("a part of it")
    shutil.copy(served.folder / "gateway.toml", new)
    assert "a restore was interrupted" in drill.type('gateway serve --config "$NEW"/gateway.toml', code=78)
    ledger.rename(drill.place / "aside")
    drill.restore("--without-ledger", "--ledger", str(drill.place / "none"))
    assert "restored without its ledger" in drill.type('gateway check --config "$NEW"/gateway.toml', code=0)


def test_a_backup_that_is_killed_leaves_the_one_before(drill, hop):
    """What it leaves is no snapshot, and goes with the next; a snapshot costs only the content that is new."""
    served, mail = drill.served, Mailboxes(hop)
    backups, content = backed_up(drill, mail)
    written = content.stat().st_mtime_ns
    unfinished = backups / "snapshots/2026-03-02T12-00-00.000000Z.tmp"
    unfinished.mkdir()
    (backups / "content/half.age.tmp").touch()
    copy = served.folder / "gateway.db.copy-left"
    copy.mkdir()
    (copy / "gateway.db").write_bytes(b"keys")
    served.turn(days=40)
    served.catch_up()  # else the invitation may be of before, and over at once
    invite(served, mail, RAY, BEA, "z" * 100_000)
    drill.back_up("--keep", "30")
    assert not unfinished.exists()
    assert not copy.exists()
    assert len(list((backups / "snapshots").iterdir())) == 1
    assert content.stat().st_mtime_ns == written
    assert len(list((backups / "content").iterdir())) == 2
