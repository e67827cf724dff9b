"""What a mail's HTML means survives its cleaning, and nothing else of its styles does."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.portal.mail.colours import TONES, colour, legacy
from gateway.portal.mail.frame import STYLE
from gateway.portal.mail.html import safe
from gateway.portal.mail.meaning import CLASSES
from gateway.portal.mail.sheet import sheet_of


def made(html: str) -> str:
    return safe(html, (), "/f").html


def classes(html: str) -> set[str]:
    """The classes of the element that has the words "it"."""
    node = next(one for one in LexborHTMLParser(made(html)).css("body *") if one.text(deep=False).strip() == "it")
    return set((node.attributes.get("class") or "").split())


@pytest.mark.parametrize(
    "tag", ["s", "strike", "del", "ins", "sub", "sup", "mark", "u", "tt", "small", "big", "q", "bdi"]
)
def test_elements_that_mean_something_stay(tag):
    assert made(f"<p>a <{tag}>b</{tag}> c</p>") == f"<p>a <{tag}>b</{tag}> c</p>"


@pytest.mark.parametrize(
    "html",
    [
        '<ol start="4"><li>a</li></ol>',
        '<ol type="a" reversed=""><li value="7">a</li></ol>',
        '<ul type="square"><li>a</li></ul>',
        '<p dir="rtl">אבג</p>',
        '<bdo dir="rtl">abc</bdo>',
    ],
)
def test_attributes_that_mean_something_stay(html):
    assert made(html) == html


@pytest.mark.parametrize(
    ("style", "found"),
    [
        ("text-decoration: line-through", {"m-struck"}),
        ("TEXT-DECORATION:underline line-through red", {"m-struck", "m-underlined"}),
        ("text-decoration-line:line-through!important", {"m-struck"}),
        ("white-space:pre-wrap", {"m-white-space-pre-wrap"}),
        ("white-space: pre", {"m-white-space-pre"}),
        ("vertical-align:super;font-size:8pt", {"m-vertical-align-super"}),
        ("vertical-align: sub", {"m-vertical-align-sub"}),
        ("font-weight:700", {"m-bold"}),
        ("font-weight: normal", {"m-not-bold"}),
        ("font-family:'Courier New', monospace", {"m-mono"}),
        ("color:#c00", {"m-ink-red"}),
        ("color:rgb(0, 0, 238)", {"m-ink-blue"}),
        ("color:windowtext", set()),
        ("color:white", set()),
        ("background:yellow; mso-highlight:yellow", {"m-on-yellow"}),
        ("background-color:#fff", set()),
        ("text-align:right", {"m-text-align-right"}),
        ("text-transform:uppercase", {"m-text-transform-uppercase"}),
        ("list-style: lower-roman inside", {"m-list-style-type-lower-roman"}),
        ("position:fixed;background:url(//evil.example/x)", set()),
        ("text-align:expression(alert(1))", set()),
        ('font-family:"a;text-decoration:line-through"', set()),
    ],
)
def test_styles_become_what_they_mean(style, found):
    assert classes(f"<p style='{style}'>it</p>" if '"' in style else f'<p style="{style}">it</p>') == found
    if '"' not in style:
        assert classes(f"<style>.x {{ {style} }}</style><p class='a x'>it</p>") == found
        assert classes(f"<style>p, td {{ {style} }}</style><p>it</p>") == found


def test_styles_may_hold_references():
    style = "font-family:&quot;a;text-decoration:line-through&quot;;font-style&#58;italic"
    assert classes(f'<p style="{style}">it</p>') == {"m-font-style-italic"}


def test_the_nearer_style_counts():
    sheet = "<style>p{color:red} .x{color:green} p.x{color:blue} #i{color:purple}</style>"
    assert classes(f"{sheet}<p>it</p>") == {"m-ink-red"}
    assert classes(f"{sheet}<b class=x>it</b>") == {"m-ink-green"}
    assert classes(f"{sheet}<p class=x>it</p>") == {"m-ink-blue"}
    assert classes(f"{sheet}<p class=x id=i>it</p>") == {"m-ink-purple"}
    assert classes(f"{sheet}<p class=x id=i style='color:teal'>it</p>") == {"m-ink-teal"}


def test_what_holds_on_some_screens_only_is_passed_over():
    sheet = """<style><!-- /* p{color:red} */ @import url(x); @media print { p { color:red } .x{color:red} }
    @font-face{font-family:x} td p{color:red} p:hover{color:red} .y{text-decoration:line-through --></style>"""
    assert classes(f"{sheet}<p class=x>it</p>") == set()
    assert not sheet_of("<p>none</p>").rules
    assert classes("<style>@media screen { .x { color: red } } .y{color:green}</style><p class=x>it</p>") == {
        "m-ink-red"
    }


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p align=right>it</p>", {"m-text-align-right"}),
        (
            "<table><td align=middle valign=top nowrap>it",
            {"m-text-align-center", "m-vertical-align-top", "m-white-space-nowrap"},
        ),
        ("<table><td bgcolor=FFFF00>it", {"m-on-yellow"}),
        ("<font color=red>it</font>", {"m-ink-red"}),
        ("<font face='Courier New'>it</font>", {"m-mono"}),
        ("<center>it</center>", {"m-text-align-center"}),
        ("<table><td style='border-bottom:1px solid #000'>it", {"m-ruled"}),
    ],
)
def test_older_attributes_mean_the_same(html, found):
    assert classes(html) == found


def test_tables_keep_widths_and_lines_and_scroll():
    html = (
        '<table width="100%" border="1"><colgroup><col width="30%" span="2"></colgroup>'
        '<tr><td width="40" colspan="2">a</td><th style="width: 12.5px">b<table><tr><td>c</table></table>'
    )
    page = LexborHTMLParser(made(html))
    assert [one.attributes.get("width") for one in page.css("table, col, td, th")] == [
        "100%",
        "30%",
        "40",
        "12",
        None,
        None,
    ]
    assert "m-ruled" in page.css_first("table").attributes["class"]
    assert len(page.css(".m-scrolls")) == len(page.css(".m-scrolls > table")) == 1


@pytest.mark.parametrize("attribute", ["hidden", "style='display:none'", "style='visibility: hidden'", "class=h"])
def test_what_is_not_shown_stays_so(attribute):
    page = LexborHTMLParser(made(f"<style>.h{{display:none}}</style><p {attribute}>it</p>"))
    node = page.css_first("p")
    assert "hidden" in node.attributes or node.attributes["class"] == "m-visibility-hidden"


def test_footnotes_lead_to_their_notes():
    page = LexborHTMLParser(
        made('a<a href="#n1" id="r1">1</a><p id="n1"><a href="#r1">back</a><b id="other">b</b> <a name="x">y</a>')
    )
    assert [one.attributes["href"] for one in page.css("[href]")] == ["about:srcdoc#m-n1", "about:srcdoc#m-r1"]
    assert [one.attributes["id"] for one in page.css("[id]")] == ["m-r1", "m-n1"]


@pytest.mark.parametrize("href", ["about:blank", "about:srcdoc", "about:srcdoc#x", "#", '#x"y', "javascript:#x", "/#x"])
def test_no_other_link_within_stays(href):
    page = LexborHTMLParser(made(f"<a href='{href}'>x</a>"))
    assert page.css_first("a").attributes.get("href") in (None, "about:srcdoc#m-x&quot;y")


@pytest.mark.parametrize(
    "page", ["<body dir=rtl>{}</body>", "<html dir='rtl'><body>{}", "{}<body style='direction:rtl'>"]
)
def test_what_is_said_of_the_page_is_said_of_all(page):
    assert made(page.format("<p>12 mg</p>")) == '<div dir="rtl"><p>12 mg</p></div>'


def test_the_page_keeps_its_own_colours():
    assert made("<body bgcolor=#ffffcc style='color:#333;background:#eef'><p>x") == "<p>x</p>"


def test_a_mail_brings_no_class_of_its_own():
    assert classes('<p class="m-struck notice m-scrolls">it</p>') == set()


def test_the_frame_has_a_rule_for_every_class():
    known = set(re.findall(r"\.(m-[\w-]+)", STYLE))
    assert known == {*CLASSES, "m-scrolls"}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        *(("#f00", "red"), ("#ff0000", "red"), ("rgb(200 0 0 / 50%)", "red"), ("rgba(100%, 0%, 0%, .5)", "red")),
        *(("hsl(120, 60%, 30%)", "green"), ("#008080", "teal"), ("#FF8C00".lower(), "orange"), ("#ffff99", "yellow")),
        *(("#000", ""), ("#fff", ""), ("#1a1a1a", ""), ("#808080", "gray"), ("transparent", ""), ("inherit", "")),
        *(
            ("url(x.png) #0000ff no-repeat", "blue"),
            ("#ff00ff", "pink"),
            ("#80f", "purple"),
            ("rgb(x)", ""),
            ("#12", ""),
        ),
    ],
)
def test_colours_have_names(value, name):
    assert colour(value) == name


def test_older_colours_lack_their_sign():
    assert (legacy("FF0000"), legacy("Red"), legacy("facade!")) == ("red", "red", "")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("scheme", "inks", "page"), [(0, ["#17262b", "#0b5c6b"], "#ffffff"), (1, ["#e8eff0", "#6cc5d6"], "#182428")]
)
def test_all_words_can_be_read_on_all_colours(scheme, inks, page):
    assert all(one in STYLE for one in (*inks, page))
    for ink in (*inks, *(tone.ink[scheme] for tone in TONES.values())):
        for on in (page, *(tone.on[scheme] for tone in TONES.values())):
            darker, lighter = sorted((luminance(ink), luminance(on)))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, on)
