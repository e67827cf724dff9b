"""`gateway people` beside a gateway that serves: a list comes in, everything about somebody goes out, and is erased."""

import json
import smtplib
import zipfile

import pytest

from tests.peers.process import wait_for

pytestmark = pytest.mark.peer

ADA = "Dr Ada <ada@riverside.example>"
LIA = "Lia <lia@shared.example>"
PAT = "pat@home.example"
SECRET = "bodyneverseen"


@pytest.fixture
def serving(served):
    served.start()
    yield served
    served.end()


def people(served, *words):
    done = served.command("people", *words)
    assert "Traceback" not in done.stderr
    return done


def test_a_list_is_shown_first_and_then_brought_in(serving, tmp_path):
    file = tmp_path / "list.csv"
    file.write_bytes("address;name;role\nlia@shared.example;Zoë;staff\nmax@shared.example;;\n".encode("cp1252"))
    with pytest.raises(smtplib.SMTPDataError):
        serving.send(LIA, PAT, "[secure] Results", SECRET)
    shown = people(serving, "import", file, "--dry-run")
    assert shown.stdout.startswith("added: 2\n  line 2: Zoë <lia@shared.example>\n  line 3: <max@shared.example>\n")
    assert serving.rows("SELECT * FROM listed_person") == []
    asked = people(serving, "import", file)
    assert asked.returncode == 1
    assert "write --yes" in asked.stderr
    assert people(serving, "import", file, "--yes").returncode == 0
    serving.send(LIA, PAT, "[secure] Results", SECRET)
    file.write_text("address,name,role\nlia@shared.example,Zoë,clinician\n")
    again = people(serving, "import", file, "--replace", "--yes")
    assert "changed: 1" in again.stdout
    assert "removed: 1\n  max@shared.example\n" in again.stdout
    rows = serving.rows("SELECT address, name, role FROM listed_person")
    assert rows == [("lia@shared.example", "Zoë", "clinician")]
    assert "unchanged: 1" in people(serving, "import", file, "--yes").stdout
    listed = people(serving, "list", "--listed", "--csv").stdout
    assert listed.splitlines() == [
        "address,name,role,practice",
        rows[0][0] + ",Zoë,clinician,riverside-family-practice",
    ]
    file.write_text("lia@shared.example,Zoë,boss\n")
    wrong = people(serving, "import", file, "--yes")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("line 1, role: 'boss' is no role")


@pytest.mark.parametrize("name", ["taken", "taken.zip"])
def test_everything_about_a_person_is_written_out(serving, tmp_path, name):
    serving.send(ADA, PAT, "[secure patient 1980-02-03] Résultats", f"<script>{SECRET}")
    serving.send(ADA, PAT, "[secure] More", "x" * 100_000)
    place = tmp_path / name
    done = people(serving, "export", PAT, place)
    assert done.stdout == f"{place}: 2 messages and index.html; it is not encrypted, and it is in the audit\n"
    if name == "taken":
        files = {file.name: file.read_bytes() for file in place.iterdir()}
        assert {file.stat().st_mode & 0o077 for file in (place, *place.iterdir())} == {0}
    else:
        with zipfile.ZipFile(place) as archive:
            files = {one: archive.read(one) for one in archive.namelist()}
        assert place.stat().st_mode & 0o077 == 0
    assert set(files) == {
        "index.html",
        "data.json",
        *(f"received-{n}.{kind}" for n in (1, 2) for kind in ("eml", "txt")),
    }
    assert SECRET.encode() in files["received-1.eml"]
    assert b"x" * 70_000 in files["received-2.eml"].replace(b"\r\n", b"").replace(b"=", b"")
    page, data = files["index.html"].decode(), json.loads(files["data.json"])
    assert "Résultats" in page
    assert "<script" not in page
    assert [one["state"] for one in data["Messages to them"]] == ["held", "held"]
    assert {one["subject"] for one in data["Messages to them"]} == {"Résultats", "More"}
    assert data["Invitations"][0]["state"] == "invited"
    assert "1980" not in page
    assert {one["action"] for one in data["Audit"]} >= {"invitation opened", "exported a person"}
    assert people(serving, "export", PAT, place).returncode == 1
    assert people(serving, "export", "nobody@home.example", tmp_path / "other").returncode == 1


def test_a_person_is_erased_from_database_log_and_spool(serving):
    serving.send(ADA, PAT, "[secure patient 1980-02-03] Results", SECRET)
    serving.send(ADA, PAT, "[secure] More", "x" * 100_000)
    spool = serving.folder / "gateway.db.spool"
    keys = [key for (key,) in serving.rows("SELECT wrapped_key FROM copy")]
    assert len(keys) == 2
    assert list(spool.iterdir())
    held = people(serving, "hold", PAT, "--reason", "a claim")
    assert held.returncode == 0
    assert "Keep its reason elsewhere, too" in held.stdout
    refused = people(serving, "erase", PAT, "--yes")
    assert refused.returncode == 1
    assert "a legal hold stands on pat@home.example" in refused.stderr
    assert json.loads(people(serving, "holds", "--json").stdout)["reason"] == "a claim"
    assert people(serving, "release", PAT).returncode == 0
    assert people(serving, "erase", PAT).returncode == 1
    assert len(serving.rows("SELECT * FROM copy WHERE wrapped_key IS NOT NULL")) == 2
    assert people(serving, "erase", PAT, "--yes").returncode == 0
    assert list(spool.iterdir()) == []
    assert people(serving, "show", PAT).returncode == 1
    wait_for(lambda: not any(key in serving.on_disk() for key in keys))
    actions = [one for (one,) in serving.rows("SELECT action FROM audit WHERE actor = 'administrator'")]
    assert actions[-1] == "erased a person"
    assert not serving.rows("SELECT * FROM copy WHERE address = ?", PAT)


def test_practices_are_listed_and_held(serving):
    served, practice = serving, "riverside-family-practice"
    assert served.command("practices", "hold", practice, "--reason", "a claim").returncode == 0
    served.send(ADA, PAT, "[secure] Results", SECRET)
    told = json.loads(served.command("practices", "list", "--json").stdout)
    assert told == {
        "id": practice,
        "name": "Riverside Family Practice",
        "senders": 1,
        "listed_people": 0,
        "open_invitations": 1,
        "accepted_invitations": 0,
        "legal_hold": True,
    }
    assert served.command("people", "erase", PAT, "--yes").returncode == 1
    assert served.command("practices", "release", practice).returncode == 0
    assert served.command("practices", "release", practice).returncode == 1
    assert served.command("practices", "hold", "nowhere", "--reason", "x").returncode == 1
