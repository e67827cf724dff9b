"""The words that a browser shows of a mail, and those that it shows of what we make of it, are the same."""

import re
from html import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.portal.mail import frame
from gateway.portal.mail.html import safe
from tests.mail import corpora
from tests.mail.corpus import BELOW, CLIENTS, Quoted, reply
from tests.peers.fetch import MAILS

pytestmark = pytest.mark.peer

QUOTED = Quoted("Somebody wrote\n", "<table width=600><tr><td><p>Somebody wrote</p></td></tr></table>")
SHEET = """<style>.struck{text-decoration:line-through} .away{display:none} td.away{display:none}
@media screen { .loud{text-transform:uppercase} } .lines{white-space:pre-wrap} #ghost{visibility:hidden}
.apart{display:block} @media print{.loud{display:none}} @media (max-width:10px){.apart{display:none}}</style>"""
INLINE = (
    "b",
    "i",
    "u",
    "s",
    "strike",
    "del",
    "ins",
    "sub",
    "sup",
    "small",
    "big",
    "code",
    "tt",
    "mark",
    "q",
    "a",
    "em",
)
BLOCK = ("p", "div", "center", "blockquote", "h2", "section", "address", "fieldset", "form", "pre")
STYLES = (
    *(
        "",
        "",
        "class=struck",
        "class=away",
        "class='loud struck'",
        "id=ghost",
        "class=apart",
        "class=loud",
        "hidden",
        "dir=rtl",
    ),
    *("style='text-decoration:line-through'", "style='display:none'", "style='white-space:pre-wrap'", "align=right"),
    *(
        "style='text-transform:uppercase'",
        "style='display:inline-block'",
        "style='visibility:hidden'",
        "nonsense='<b>'",
    ),
    *(
        "style='color:red;background:#ff0'",
        "style='font-family:\"a;display:none\"'",
        'style="DISPLAY : none !important"',
    ),
)
WORDS = st.text("abkß9⁹,.–אب中 \n&<", min_size=1, max_size=8).map(lambda words: escape(words, quote=False))
style = st.sampled_from(STYLES)


def wrapped(names: tuple[str, ...], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda tag, said, within: f"<{tag} {said}>{within}</{tag}>", st.sampled_from(names), style, inner)


inline = st.recursive(
    WORDS | st.sampled_from(["<br>", "<wbr>", "<img alt=x>", "&nbsp;", "<!-- <p> -->", "<o:p></o:p>"]),
    lambda inner: st.lists(wrapped((*INLINE, "span", "font", "bdi"), inner) | WORDS, max_size=3).map("".join),
    max_leaves=6,
)
listed = st.builds(
    lambda tag, said, items: f"<{tag} {said}>{''.join(f'<li>{one}' for one in items)}</{tag}>",
    st.sampled_from(["ul", "ol", "ol start=4", "ol type=a reversed"]),
    style,
    st.lists(inline, min_size=1, max_size=3),
).map(lambda html: re.sub(r"</ol [^>]*>", "</ol>", html))
cell = st.builds(
    lambda tag, said, within: f"<{tag} {said}>{within}</{tag}>", st.sampled_from(["td", "th"]), style, inline
)
row = st.lists(cell, min_size=1, max_size=3).map(lambda cells: f"<tr>{''.join(cells)}</tr>")
table = st.lists(row, min_size=1, max_size=3).map(lambda rows: f"<table width=80% border=1>{''.join(rows)}</table>")
blocks = wrapped(BLOCK, inline) | listed | table | inline
page = st.recursive(
    blocks, lambda inner: st.lists(wrapped(("div", "blockquote", "center"), inner) | blocks, max_size=4).map("".join),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def tab(chromium):
    with chromium.new_context(java_script_enabled=True) as context:
        yield context.new_page()


def shown(tab, document: str) -> list[str]:
    """The lines that are seen, white space as it is seen."""
    tab.set_content(document)
    lines = tab.evaluate("document.body.innerText").replace("\xa0", " ").split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()]


def as_made(html: str) -> str:
    """The document of the frame, without its policy: that is the server's to say here."""
    made = safe(html, (), "/f")
    return re.sub(r"<meta http-equiv[^>]*>", "", frame.document(made.html, "en", remote=False))


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(page)
def test_generated_mails_say_the_same(tab, html):
    original = f"<!doctype html><html><head>{SHEET}</head><body>{html}</body></html>"
    assert shown(tab, as_made(original)) == shown(tab, original)


REAL = (
    "<body style='text-transform:uppercase;white-space:pre-wrap'>One\ntwo<p style='text-transform:none'>x</p></body>",
    "<p class=MsoNormal>Dear Pat,<o:p></o:p></p><p><strike>20 mg</strike> 2 mg<![if !supportLists]>·<![endif]></p>",
    "<div><div><br></div><div>One</div><div>two <span>three</span></div></div><blockquote type=cite>four</blockquote>",
    "<table><tr><td>a<td>b<tr><td colspan=2>c</table>after<table align=right><tr><td>d</table>",
    "<ol start=4><li value=9>a<li>b</ol><dl><dt>c<dd>d</dl><details open><summary>e</summary>f</details>",
    "<p>10<sup>9</sup>/l H<sub>2</sub>O <ruby>検<rt>けん</rt></ruby> <bdo dir=rtl>abc</bdo> <q>g</q>",
    "<body bgcolor=#ffffff><center><font size=5 color=red>Result</font></center><hr><pre>Na   140\nK    4.1</pre>",
    "<div style='display:none;max-height:0'>preheader</div><table width=600><tr><td style='font-size:0'>x</table>",
    "<p>a<noscript>b</noscript><textarea>c</textarea><video>d</video><template>e</template>f",
)


@pytest.mark.parametrize("path", [*CLIENTS, *BELOW], ids=lambda path: path.stem)
def test_mails_of_many_programs_say_the_same(tab, path):
    html = parse.body(reply(path, "PATIENT", QUOTED)).html
    assert shown(tab, as_made(html)) == shown(tab, f"<!doctype html>{html}")


@pytest.mark.parametrize("html", REAL)
def test_mails_as_programs_write_them_say_the_same(tab, html):
    assert shown(tab, as_made(html)) == shown(tab, f"<!doctype html>{html}")


def test_mails_that_packages_bring_say_the_same(tab):
    """Nothing is fetched for either."""
    tab.context.route("**/*", lambda request: request.abort())
    found = [parse.body(raw) for package in MAILS for _, raw in corpora.mails(corpora.folder_of(package))]
    mails = [one.html for one in found if isinstance(one, parse.Body) and one.html.strip()]
    assert len(mails) > 20
    for html in mails:
        assert shown(tab, as_made(html)) == shown(tab, f"<!doctype html>{html}")


def test_columns_stand_below_each_other(tab):
    html = "<div style='white-space:pre-wrap;font-family:monospace'>Na    140\nK     4.1</div>"
    tab.set_content(as_made(html))
    assert tab.evaluate("document.body.innerText").strip() == "Na    140\nK     4.1"


WIDER = """() => [document.documentElement, document.querySelector('.m-scrolls')].map(
  one => one.scrollWidth > one.clientWidth)"""
LINES = """() => [...document.querySelectorAll('td')].filter(one => !one.querySelector('table')).map(one => {
  const range = document.createRange()
  range.selectNodeContents(one)
  return new Set([...range.getClientRects()].map(box => Math.round(box.bottom))).size
})"""
"""How many lines each figure takes."""
FIGURES = ("132", "120–155", "4.0-10.0", "1,023", "mmol/l", "10&#8211;12", "03/02/1980", "follow-up")
TABLE = f"<table border=1><tr>{''.join(f'<td>Haemoglobin<td>{one}' for one in FIGURES)}</table>"


@pytest.mark.parametrize(
    "html", [TABLE, f"<table width=100%><tr><td>{TABLE}<td>x</table>", TABLE.replace("border=1", "width=2000")]
)
def test_a_table_scrolls_on_a_phone_and_breaks_no_word(tab, html):
    tab.set_viewport_size({"width": 320, "height": 600})
    tab.set_content(as_made(f"<p>before</p>{html}"))
    page, scrolls = tab.evaluate(WIDER)
    lines = tab.evaluate(LINES)
    assert (page, scrolls) == (False, True)
    assert set(lines) == {1}


def test_a_footnote_is_reached_within_its_frame(tab):
    html = f"<p>a<a href='#n1'>1</a></p>{'<p>x</p>' * 60}<p id=n1>note</p>"
    made = safe(html, (), "/f")
    inner = escape(re.sub(r"<meta http-equiv[^>]*>", "", frame.document(made.html, "en", remote=False)))
    sandbox = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    tab.set_content(f"<iframe sandbox='{sandbox}' style='height:200px' srcdoc=\"{inner}\"></iframe>")
    inside = tab.frames[-1]
    inside.click("a")
    inside.wait_for_function("document.scrollingElement.scrollTop > 100")
    assert len(tab.context.pages) == 1
