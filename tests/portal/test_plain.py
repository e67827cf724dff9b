"""HTML as plain text: words whole, figures in columns, nothing said that was struck out."""

import pytest

from gateway.portal.mail.content import Shown, shown_of
from gateway.portal.mail.html import safe
from gateway.portal.mail.plain import text_of


def plain(html: str) -> str:
    return text_of(safe(html, (), "/f").html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<b>b</b>c <i>d</i>\n e</p>", "abc d e"),
        ("6.2 x 10<sup>9</sup>/l", "6.2 x 10⁹/l"),
        ("B<sub>12</sub>, H<sub>2</sub>O", "B₁₂, H₂O"),
        ("10<sup>-3</sup>", "10⁻³"),
        ("10<span style='vertical-align:super'>9</span>/l", "10⁹/l"),
        ("2<sup>nd</sup> of May<sup>[1]</sup>", "2nd of May[1]"),
        ("e<sup>x</sup> and e<sup>x y</sup>, k<sub>el</sub>", "e^x and e^(x y), kel"),
        ("take <s>5 mg</s> 2 mg", "take ~~5 mg~~ 2 mg"),
        ("take <strike><del>5</del> mg</strike>, 2 mg", "take ~~5 mg~~, 2 mg"),
        ("take <span style='text-decoration:line-through'>5 mg </span>2 mg", "take ~~5 mg~~ 2 mg"),
        ("<p style='text-decoration:line-through'>old</p><p>new</p>", "~~old~~\n\nnew"),
        ("a<s></s>b", "ab"),
        ("<ul><li><s>old</s><li>new</ul>", "• ~~old~~\n• new"),
        ("<div>one</div><div>two</div>three<br>four<br><br>five", "one\ntwo\nthree\nfour\n\nfive"),
        ("<h1>Title</h1><p>one</p>\n<p>two</p>", "Title\n\none\n\ntwo"),
        ("<ol start=4><li>a<li><p>b</p><p>c</p></ol>", "4. a\n5. b\n\n   c"),
        ("<ol type=a><li>x<li value=5>y</ol>", "a. x\ne. y"),
        ("<ol style='list-style-type:upper-roman' start=9><li>x<li>y</ol>", "IX. x\nX. y"),
        ("<ol reversed><li>x<li>y</ol>", "2. x\n1. y"),
        ("<ul style='list-style:none'><li>x</ul>", "x"),
        ("<ul><li>x<ol><li>y</ol><li>z</ul>", "• x\n  1. y\n• z"),
        ("<blockquote>a<br>b</blockquote>c", "> a\n> b\n\nc"),
        ("<pre>Na   140\nK    4.1</pre>", "Na   140\nK    4.1"),
        ("<div style='white-space:pre-wrap'>Na   140\nK    <b>4.1</b></div>", "Na   140\nK    4.1"),
        ("<p hidden>not</p>this<span style='display:none'>not</span>", "this"),
        ("<img alt=ECG src=x> normal", "[ECG] normal"),
        ("<p>אבג <span dir=ltr>12 mg</span></p>", "אבג 12 mg"),
        ("a&nbsp;&nbsp;b", "a\xa0\xa0b"),
        ("<q>so</q>", "“so”"),
        ("<dl><dt>Dose<dd>5 mg</dl>", "Dose\n  5 mg"),
        ("<span style='display:block'>a</span><span style='display:block'>b</span>", "a\nb"),
        ("", ""),
    ],
)
def test_html_says_the_same_as_text(html, text):
    assert plain(html) == text


ROWS = "<tr><td>Na<td align=right>140<td>mmol/l<tr><td>Ferritin<td align=right>1,023<td>µg/l"


def test_tables_stand_in_columns():
    assert plain(f"<table><tr><th>Test<th align=right>Value<th>Unit{ROWS}</table>") == (
        "Test      Value  Unit\nNa          140  mmol/l\nFerritin  1,023  µg/l"
    )


def test_cells_that_span_others_leave_them_empty():
    html = "<table><tr><td rowspan=2>Blood<td>Na<td>140<tr><td>K<td>4.1<tr><td colspan=2>All<td>fine</table>"
    assert plain(html) == "Blood  Na  140\n       K   4.1\nAll        fine"


def test_signs_of_east_asia_are_twice_as_wide():
    assert plain("<table><tr><td>検査<td>1<tr><td>abcd<td>2</table>") == "検査  1\nabcd  2"


def test_a_page_that_is_laid_out_with_tables_reads_from_above():
    above, below = "<td><p>Dear Pat</p><p>see below</p>", f"<td><table>{ROWS}</table><td>!"
    assert (
        plain(f"<table><tr>{above}<tr>{below}</table>")
        == "Dear Pat\n\nsee below\nNa          140  mmol/l\nFerritin  1,023  µg/l\n!"
    )


def test_spans_are_bounded():
    assert len(plain("<table><tr><td colspan=999999 rowspan=999999>a<td>b<tr><td>c</table>")) < 300


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Na    140\nK     4.1", ["Na    140\nK     4.1"]),
        ("Dear Pat\nNa\t140\nK\t4.1\n\nRegards\nCRP   <5\n", ["Na\t140\nK\t4.1\n", "CRP   <5\n"]),
        ("One sentence.  Another.\nA line.", []),
        ("Only   one line", []),
        ("", []),
    ],
)
def test_lines_in_columns_are_told_from_others(text, columns):
    blocks = Shown(text).blocks
    assert [block for in_columns, block in blocks if in_columns] == columns
    assert "".join(block for _, block in blocks) == text


def test_what_stands_in_html_alone_is_in_the_plain_view_too():
    either = "--i\r\n\r\nSee <below>.\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>See &lt;below&gt;.</p>\r\n--i--"
    alternative = f"Content-Type: multipart/alternative; boundary=i\r\n\r\n{either}"
    alone = "Content-Type: text/html\r\n\r\n<p>Until then.</p>"
    for parts in ([alternative, alone], [alone, alternative]):
        body = "".join(f"--o\r\n{one}\r\n" for one in parts)
        page = shown_of(f"Content-Type: multipart/mixed; boundary=o\r\n\r\n{body}--o--\r\n".encode(), "/f", "en")
        assert sorted(page.text.split("\n\n")) == ["See <below>.", "Until then."]
    assert shown_of(f"{alternative}\r\n".encode(), "/f", "en").text == "See <below>."
