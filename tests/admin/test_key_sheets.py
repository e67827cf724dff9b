"""Key sheets: enough of them bring the keys back, fewer open nothing, and what is mistyped is named."""

import itertools
import re
from datetime import date

import pytest

from gateway.admin import key_sheets
from gateway.errors import ConfigError
from gateway.store.key_file import new_ring

RING = new_ring().rotated().rotated().without("b").without("a")
SHEETS = key_sheets.split(RING, 5, 3, "secure.riverside.example", date(2026, 3, 2))


def join(*pages):
    return key_sheets.join([sheet for page in pages for sheet in key_sheets.read(page)])


def test_any_three_of_five_bring_all_keys_back():
    for three in itertools.permutations(SHEETS, 3):
        assert join(*three) == RING
    assert join(*SHEETS) == RING
    assert join("".join(SHEETS)) == RING


def test_a_sheet_says_what_it_is():
    for number, sheet in enumerate(SHEETS, 1):
        assert sheet.startswith(f"KEY SHEET {number} OF 5")
        assert "Any 3 of them" in sheet
        assert "gateway keys join" in " ".join(sheet.split())
        assert "2026-03-02" in sheet
        assert max(map(len, sheet.splitlines())) <= key_sheets.WIDTH


@pytest.mark.parametrize("some", [SHEETS[:2], [SHEETS[0]] * 3, SHEETS[:1]])
def test_fewer_open_nothing(some):
    with pytest.raises(ConfigError, match="more are needed"):
        join(*some)


def test_what_was_typed_in_one_line_is_as_good():
    words = [" ".join(sheet.words) for page in SHEETS[:3] for sheet in key_sheets.read(page)]
    lines = [line.lower() for line in SHEETS[0].splitlines() if re.match(r"\d+ of \d+:", line)]
    assert join("\n".join([*words, *lines])) == RING


def mistyped(sheet, place, word):
    return re.sub(rf"( {place} )[a-z]+", rf"\g<1>{word}", sheet, count=1)


def test_a_word_that_is_none_is_named():
    with pytest.raises(ConfigError, match=r"share 2: word 7 \(acadmic\) is none of the list; did they mean academic"):
        join(SHEETS[0], mistyped(SHEETS[1], 7, "acadmic"), SHEETS[2])


def test_a_word_that_is_another_is_named():
    [sheet] = key_sheets.read(SHEETS[1])
    right = sheet.words[7]
    wrong = "academic" if right != "academic" else "acid"
    with pytest.raises(ConfigError, match=f"share 2: word 8 is {right} on the sheet, and not {wrong}"):
        join(SHEETS[0], mistyped(SHEETS[1], 8, wrong), SHEETS[2])


def test_a_word_that_is_missing_is_said():
    with pytest.raises(ConfigError, match="share 1: it has 33 words, and 32 are here"):
        join(re.sub(r" 33 [a-z]+", "", SHEETS[0]), *SHEETS[1:3])


def test_a_line_that_is_not_as_printed_is_named():
    for wrong in (SHEETS[0].replace("2 of", "3 of"), re.sub(r"(2 of \d+: )..", r"\1AA", SHEETS[0])):
        with pytest.raises(ConfigError, match=r"line \d is not as on the sheet"):
            join(wrong, *SHEETS[1:3])
    without = re.sub(r"(?m)^2 of .*\n", "", "".join(SHEETS[:3]))
    with pytest.raises(ConfigError, match="line 2 of the sealed key file is missing"):
        join(without)


def test_sheets_of_another_day_are_not_mixed_in():
    others = key_sheets.split(RING, 5, 3, "secure.riverside.example", date(2026, 3, 3))
    with pytest.raises(ConfigError, match="not printed together"):
        join(SHEETS[0], others[1], others[2])


@pytest.mark.parametrize(("shares", "needed"), [(5, 1), (2, 3), (17, 3)])
def test_numbers_that_make_no_sense_are_refused(shares, needed):
    with pytest.raises(ConfigError, match="--needed"):
        key_sheets.split(RING, shares, needed, "x", date(2026, 3, 2))
