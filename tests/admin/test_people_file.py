"""People lists as spreadsheets write them: every mistake is named by its line and column, and says what to write."""

import pytest

from gateway.admin.people_file import as_csv, decoded, parsed, read
from gateway.domain.vocabulary import Role
from tests.practice import SITE

ADA, BEA = "ada@shared.example", "bea@shared.example"


def rows(text, practice="riverside"):
    found = parsed(text, SITE, practice)
    assert [one.told for one in found.faults] == []
    return [(one.practice_id, one.address, one.name, one.role, one.line) for one in found.rows]


def told(text, practice="riverside"):
    return [one.told for one in parsed(text, SITE, practice).faults]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_are_found_by_their_names(mark, end):
    lines = [["Role", "E-Mail", "Name"], ["clinician", ADA, "Dr Ada"], ["", BEA, ""]]
    text = end.join(mark.join(cells) for cells in lines)
    assert rows(text) == [
        ("riverside", ADA, "Dr Ada", Role.CLINICIAN, 2),
        ("riverside", BEA, "", None, 3),
    ]


def test_without_names_the_columns_are_in_their_order():
    assert rows(f"{ADA},Ada,STAFF,Hillside Surgery\n") == [("hillside", ADA, "Ada", Role.STAFF, 1)]


def test_what_excel_begins_with_is_no_person():
    assert rows(f"sep=;\naddress;name\n{ADA};Ada, MD\n") == [("riverside", ADA, "Ada, MD", None, 3)]


def test_a_line_is_counted_as_an_editor_does():
    text = f'address,name\n\n{ADA},Ada\nnobody,"in two\nlines"\n{ADA},Ada\n'
    assert told(text) == [
        "line 4, name: write at most 200 letters, in one line",
        "line 4, address: 'nobody' is no mail address; write one",
        "line 6, address: stands in line 3 already; leave one of them out",
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"{ADA},,doctor,", 'line 1, role: \'doctor\' is no role; write "clinician" or "staff", or nothing'),
        (f"{ADA},,,elsewhere", "line 1, practice: there is no practice 'elsewhere'; write one of riverside, hillside"),
        ("bot@secure.riverside.example,,,", "line 1, address: is the gateway's own; write the person's"),
        ("", "line 1, file: nobody is in it; write a line with address, name, role, practice"),
    ],
)
def test_each_mistake_says_what_to_write(line, fault):
    assert told(line) == [fault]


def test_a_practice_has_to_be_named():
    assert told(f"{ADA},Ada", practice="") == ["line 1, practice: is missing; write one of riverside, hillside"]


def test_one_address_may_stand_at_two_practices():
    assert len(rows(f"{ADA},,,riverside\n{ADA},,,hillside\n")) == 2


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "Zoë"), ("utf-8-sig", "Zoë"), ("cp1252", "Zoë"), ("utf-16", "Zoë")]
)
def test_letters_are_read_as_excel_writes_them(encoding, name):
    assert rows(decoded(f"address;name\n{ADA};{name}\n".encode(encoding)))[0][2] == name


def test_a_file_is_read_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "list.csv"
    file.write_text(f"{ADA}\n")
    assert len(read(file, SITE, "riverside").rows) == 1
    monkeypatch.setattr("gateway.admin.people_file.LARGEST", 3)
    assert [one.told for one in read(file, SITE, "riverside").faults] == [
        "line 1, file: larger than 3 octets; split it"
    ]


@pytest.mark.parametrize("name", ["=1+1", "+49", "-x", "@home"])
def test_no_cell_runs_as_a_formula_and_each_comes_back_as_it_was(name):
    text = as_csv(("address", "name"), [(ADA, name)])
    assert f",'{name}\r\n" in text
    assert rows(text)[0][2] == name


def test_broken_quotes_are_told():
    assert told(f'{ADA},"' + "x" * 200_000)[0].startswith("line 1, file: cannot be read from here on")
