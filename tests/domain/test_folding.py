"""Words are found however they are typed."""

import pytest

from gateway.domain.folding import has_all, searchable, sought


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("M\u00fcller", "MULLER"),
        ("Mu\u0308ller", "m\u00fcller"),
        ("Stra\u00dfe", "strasse"),
        ("\u0130stanbul", "istanbul"),
        ("S\u00f8ren \u0141ukasz \u0110or\u0111e", "soren lukasz dorde"),
        ("\ufb01bula", "fibula"),
        ("Dr O\u2019Neill", "o'neill"),
        ("10\u00a0mg", '"10 mg"'),
        ("pre\u00adop\u200bera\u2060tive", "preoperative"),
        ("COVID\u201119", "covid-19"),
        ("\u039f\u03b4\u03cc\u03c2", "\u03bf\u03b4\u03bf\u03c3"),
        ("\u0627\u0644\u0633\u064e\u0651\u0644\u0627\u0645", "\u0627\u0644\u0633\u0644\u0627\u0645"),
        ("\u9ad8\u8840\n\u5727", "\u9ad8\u8840\u5727"),
        ("\uff21\uff22\uff23", "abc"),
        ("two  words\n here", '"two words here"'),
    ],
)
def test_alike_is_alike(text, typed):
    assert has_all(searchable(text), sought(typed))
    assert has_all(searchable(typed), sought(typed))


@pytest.mark.parametrize(
    ("text", "typed"), [("words two", '"two words"'), ("one", "one two"), ("one", ""), ("one", '" "')]
)
def test_other_is_other(text, typed):
    assert not has_all(searchable(text), sought(typed))


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [("a  B", ("a", "b")), ('"a  b" c', ("a b", "c")), ('"a b', ("a", "b")), ("\u201cvon hier\u201d", ("von hier",))],
)
def test_pieces(typed, pieces):
    assert sought(typed) == pieces
