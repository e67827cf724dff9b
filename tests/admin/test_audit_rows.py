"""`gateway audit list` and `export`, as an administrator types them."""

import json
import os

import pytest
from typer.testing import CliRunner

from gateway.admin import audit_rows, cef
from gateway.cli.app import app
from gateway.domain.acts import ACTS, Act, Gravity
from gateway.domain.model_records import Audit
from gateway.testing import DAWN
from tests.admin.audited import copied, made

WRITTEN = 23
"""Rows that there are."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("audited") / "gateway")


@pytest.fixture
def audited(whole, tmp_path):
    return copied(whole, tmp_path / "gateway")


def gateway(audited, *words, code=0):
    done = CliRunner().invoke(app, [*map(str, words), "--config", str(audited.folder / "gateway.toml")])
    assert done.exit_code == code, done.output
    return done


def listed(audited, *words):
    return [json.loads(line) for line in gateway(audited, "audit", "list", "--json", *words).stdout.splitlines()]


# ----------------------------------------------------------------------------------------------------------------- list


def test_the_newest_rows_come_first_and_whoever_looks_is_one_of_them(audited):
    first, second, *_ = found = listed(audited)
    assert len(found) == WRITTEN + 1
    assert (first["actor"], first["action"], first["subject"]) == ("administrator", "read the audit", "audit")
    assert first["place"].startswith("command line")
    assert (second["actor"], second["action"], second["place"]) == ("pat@home.example", "viewed", "192.0.2.7")
    assert listed(audited, "--oldest")[0]["id"] == 1


def test_rows_are_looked_for_by_who_what_which_where_and_when(audited):
    assert {one["subject"] for one in listed(audited, "--subject", "copy 3")} == {"copy 3"}
    assert len(listed(audited, "--actor", "pat@home.example", "--limit", "4")) == 4
    assert {one["action"] for one in listed(audited, "--action", "read the audit")} == {"read the audit"}
    assert len(listed(audited, "--place", "192.0.2.7")) == WRITTEN
    assert listed(audited, "--since", "2099-01-01") == []
    assert len(listed(audited, "--until", "2099-01-01", "--actor", "pat@home.example")) == WRITTEN
    assert listed(audited, "--until", "2001-01-01T10:00:00") == []
    assert listed(audited, "--limit", "1")[0]["detail"] == ""
    assert listed(audited, "--action", "read the audit", "--limit", "2")[1]["detail"] == ""
    assert listed(audited, "--subject", "audit", "--limit", "1")[0]["detail"] == "subject"  # by what, and no value


def test_an_act_that_there_is_not_is_said(audited):
    assert "there is no act 'veiwed'" in gateway(audited, "audit", "list", "--action", "veiwed", code=1).output


# --------------------------------------------------------------------------------------------------------------- export


@pytest.mark.parametrize("how", ["jsonl", "cef"])
def test_what_was_interrupted_goes_on_where_the_file_ends(audited, tmp_path, how):
    file = tmp_path / "out"
    gateway(audited, "audit", "export", file, "--format", how)
    octets = file.read_bytes()
    assert octets.count(b"\n") == WRITTEN + 1
    assert file.stat().st_mode & 0o077 == 0
    lines = octets.splitlines(keepends=True)
    for cut in (0, 20, len(lines[0]), len(lines[0]) + 5, len(octets) - 1):
        file.write_bytes(octets[:cut])
        gateway(audited, "audit", "export", file, "--format", how)
        assert file.read_bytes().startswith(octets)
    assert b"exported the audit" in lines[-1]


def test_a_file_of_something_else_is_left_alone(audited, tmp_path):
    (tmp_path / "out").write_text("a letter\n")
    done = gateway(audited, "audit", "export", tmp_path / "out", code=1)
    assert "does not end with a row of the audit" in done.output
    assert (tmp_path / "out").read_text() == "a letter\n"


def test_rows_after_a_number_go_to_standard_output(audited):
    lines = gateway(audited, "audit", "export", "-", "--after", 20).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [21, 22, 23, 24]


def test_a_file_that_has_rows_is_not_told_where_to_begin(audited, tmp_path):
    gateway(audited, "audit", "export", tmp_path / "out")
    assert "leave --after out" in gateway(audited, "audit", "export", tmp_path / "out", "--after", 3, code=1).output


def test_more_rows_than_a_page_are_all_exported(audited, tmp_path, monkeypatch):
    monkeypatch.setattr(audit_rows, "PAGE", 4)
    gateway(audited, "audit", "export", tmp_path / "out")
    assert [json.loads(line)["id"] for line in (tmp_path / "out").read_text().splitlines()] == list(range(1, 25))


# ------------------------------------------------------------------------------------------------------------------ CEF


def row(**changes):
    return Audit(
        **{"id": 7, "at": DAWN, "actor": "pat@home.example", "action": "viewed", "subject": "copy 1"} | changes
    )


def test_a_row_as_cef():
    head, _, extension = cef.line(row(place="192.0.2.7", detail="a=b\\c\nd|e")).rpartition("|3|")
    assert head.startswith("CEF:0|Secure mail|Invitation gateway|")
    assert head.endswith("|viewed|A reader opened a message.")
    assert extension == (
        "rt=1772445600000 externalId=7 act=viewed suser=pat@home.example src=192.0.2.7 "
        r"cs1Label=subject cs1=copy 1 cs2Label=detail cs2=a\=b\\c\nd|e"
    )


@pytest.mark.parametrize("breaks", ["\0", "\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_whatever_a_row_holds_is_one_line_as_cef(breaks):
    line = cef.line(row(detail=f"a{breaks}b", actor=f"c{breaks}d", action=f"e{breaks}f"))
    assert breaks not in line
    assert line.splitlines() == [line]


def test_who_acted_for_whom_and_from_where_as_cef():
    line = cef.line(row(actor="bea@riverside.example for ada@riverside.example", place="2001:db8::1"))
    assert "suser=bea@riverside.example cs3Label=on behalf of cs3=ada@riverside.example" in line
    assert "c6a2=2001:db8::1 c6a2Label=Source IPv6 Address" in line
    assert "src=192.0.2.7 cs5Label=mail cs5=ab12" in cef.line(row(place="192.0.2.7, mail ab12"))
    assert "cs4Label=place cs4=command line, root" in cef.line(row(place="command line, root"))


def test_an_act_that_somebody_made_up_is_escaped_in_the_head():
    assert r"|other|a\|b\\c d|8|" in cef.line(row(action="a|b\\c\nd"))
    assert cef.number_of(cef.line(row())) == 7
    assert cef.number_of("else externalId=7") is None


def test_every_act_has_a_sentence_a_gravity_and_a_signature_of_its_own():
    assert set(ACTS) == set(Act)
    assert len({one.signature for one in Act}) == len(Act)
    assert all(spec.does.endswith(".") and spec.subject and spec.gravity in Gravity for spec in ACTS.values())


# --------------------------------------------------------------------------------------------------------------- verify


def test_a_whole_audit_is_said_to_be_whole_and_the_look_is_recorded(audited):
    done = json.loads(gateway(audited, "audit", "verify", "--json").stdout)
    assert (done["wrong"], done["rows"], done["batches"], done["rows_since_the_last_seal"]) == (0, WRITTEN, 4, 3)
    assert listed(audited, "--action", "verified the audit")[0]["detail"] == "0 findings"


def test_a_damaged_audit_is_told_and_ends_with_65(audited):
    audited.damage("UPDATE audit SET actor = 'eve' WHERE id = 7", "DELETE FROM audit WHERE id = 9")
    done = gateway(audited, "audit", "verify", code=os.EX_DATAERR)
    assert done.stdout.splitlines()[:2] == ["row 7 was altered", "row 9 was removed"]
    as_json = gateway(audited, "audit", "verify", "--json", code=os.EX_DATAERR).stdout.splitlines()
    assert json.loads(as_json[0]) == {"what": "altered row", "first": 7, "last": 7, "says": "row 7 was altered"}


def test_heads_that_were_kept_elsewhere_are_compared(audited, tmp_path):
    (tmp_path / "heads").write_text(f"2026-03-02T09:00:00+00:00 4 20 {'0' * 64}\n")
    done = gateway(audited, "audit", "verify", "--head", tmp_path / "heads", code=os.EX_DATAERR)
    assert "batch 4 is not the one whose head was kept on 2026-03-02" in done.stdout
    (tmp_path / "heads").write_text("nothing\n")
    assert (
        "holds no line" in gateway(audited, "audit", "verify", "--head", tmp_path / "heads", code=os.EX_CONFIG).output
    )


# ----------------------------------------------------------------------------------------------------------- other acts


def test_a_login_that_is_added_is_recorded(audited):
    environment = {"GATEWAY_SMTP__USERS_FILE": "users", "GATEWAY_SMTP__TLS_CERT": "cert"}
    words = ["users", "add", "Ada@riverside.example", "--config", str(audited.folder / "gateway.toml")]
    done = CliRunner().invoke(app, words, input="correct horse battery\n", env=environment)
    assert done.exit_code == 0, done.output
    [added] = listed(audited, "--action", "added a login")
    assert (added["actor"], added["subject"]) == ("administrator", "ada@riverside.example")
