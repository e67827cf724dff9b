"""Tables that people attach: as spreadsheets of several countries save them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.table import commands_in

HEAD = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the list.\r\n--b\r\n"


def rows(table: str | bytes, fields: str = "Content-Type: text/csv") -> tuple[str, ...]:
    octets = table.encode() if isinstance(table, str) else table
    return commands_in(f"{HEAD}{fields}\r\n\r\n".encode() + octets + b"\r\n--b--\r\n")


@pytest.mark.parametrize(
    "table",
    [
        "email,born\r\npat@home.example,1980-02-03\r\nkim@home.example,1990-01-02\r\n",
        "pat@home.example;1980-02-03\nkim@home.example;1990-01-02",
        "Name\tborn\tmail\nPat\t1980-02-03\tpat@home.example\nKim\t1990-01-02\tkim@home.example",
        '\ufeff"pat@home.example","1980-02-03"\r\n"kim@home.example","1990-01-02"\r\n',
        "born,mail\n1980-02-03, pat@home.example \n,,\n\n1990-01-02,kim@home.example",
    ],
)
def test_a_table_in_many_forms(table):
    assert rows(table) == ("pat@home.example PATIENT 1980-02-03", "kim@home.example PATIENT 1990-01-02")


@pytest.mark.parametrize(
    "fields",
    [
        'Content-Type: application/vnd.ms-excel; name="list.csv"',
        'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="List.CSV"',
        'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="list.tsv"',
        "Content-Type: text/tab-separated-values",
    ],
)
def test_whatever_its_type_is_said_to_be(fields):
    assert rows("pat@home.example\t1980-02-03", fields) == ("pat@home.example PATIENT 1980-02-03",)


def test_a_relationship_in_a_column_of_its_own():
    table = "pat@home.example,Müller,patient,1980-02-03\ncleo@riverside.example,,STAFF,\n"
    assert rows(table) == ("pat@home.example patient 1980-02-03", "cleo@riverside.example STAFF")
    assert rows("patiente 1980-02-03;pat@home.example") == ("pat@home.example patiente 1980-02-03",)


def test_windows_1252():
    assert rows("Jürgen;j@home.example;1980-02-03".encode("cp1252")) == ("j@home.example PATIENT 1980-02-03",)


def test_a_row_that_names_nobody_is_told_by_its_number():
    assert rows("mail,born\nMüller,1980-02-03\npat@home.example,\n") == ("row 2", "pat@home.example PATIENT")


def test_five_hundred_people_at_once():
    assert len(rows("\r\n".join(f"p{number}@home.example,1980-02-03" for number in range(500)))) == 500


def test_other_files_are_no_tables():
    assert rows("pat@home.example,1980-02-03", "Content-Type: text/plain") == ()
    assert commands_in(b"Content-Type: text/plain\r\n\r\npat@home.example,1980-02-03") == ()


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_nothing_raises(table):
    for row in rows(table):
        assert "\n" not in row
