"""The inbox and its messages: what is shown, to whom, and that nothing in a mail can act."""

from dataclasses import replace
from email.message import EmailMessage

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.domain.model import Copy, Message
from gateway.flow.inbox import lines, messages
from gateway.portal.mail.html import safe
from tests.mail.test_as_sent import PNG
from tests.practice import PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)

HOSTILE = """<html><head><title>x</title><style>body{display:none}</style></head><body onload="alert(1)">
<h2 id="main" class="notice" style="position:fixed">Hello</h2><script>alert(1)</script>
<img src="https://tracker.example/pixel.png" onerror="alert(1)"><img src="cid:logo@x" alt="Logo">
<form action="/sign-out" method="post"><button>Click</button></form><iframe src="/profile"></iframe>
<a href="javascript:alert(1)">one</a><a href="/sign-out">two</a><a href="//evil.example">three</a>
<a href="https://nice.example" target="_top">four</a><link rel="stylesheet" href="/x.css"><base href="//evil.example">
<svg><script>alert(1)</script></svg><math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>
<meta http-equiv="refresh" content="0;url=//evil.example"><table background="//evil.example">
<tr><td>cell</td></tr></table>
</body></html>"""


def mail(text="Hello", html="", files=()):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@riverside.example", "pat@home.example", "Hello"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, kind, octets in files:
        main, _, sub = kind.partition("/")
        message.add_attachment(octets, maintype=main, subtype=sub, filename=name, cid="<logo@x>")
    return message.as_bytes()


@both_stores
async def test_the_inbox_shows_the_newest_first_and_what_is_unread(world, browser):
    account = await world.registered()
    for number in range(51):
        await world.written(account, subject=f"Letter {number}")
    await browser.sign_in()
    subjects = [line.text().strip() for line in browser.page.css(".subject")]
    assert subjects == [f"Letter {number}" for number in range(50, 0, -1)]
    assert len(browser.page.css(".unread .badge")) == 50
    await browser.go(browser.page.css_first(".pager a").attributes["href"])
    assert [line.text().strip() for line in browser.page.css(".subject")] == ["Letter 0"]
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    await browser.go("/inbox?page=2")
    assert not browser.page.css(".unread")


@pytest.mark.parametrize("page", ["0", "-1", "x", "9999999999999999999999", "４", "99"])
async def test_an_odd_page_number_is_a_page_of_the_inbox(world, browser, page):
    await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/inbox?page={page}")
    assert browser.status == 200
    assert "Your results" in browser.text


async def test_plain_text_is_shown_as_typed_and_as_nothing_else(world, browser):
    account = await world.registered()
    text = "One\n  two <b>three</b>\nhttps://riverside.example {{7*7}} <img src=x onerror=alert(1)>"
    copy = await world.written(account, mail(text))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert browser.page.css_first(".letter.text").text().strip() == text
    assert not browser.page.css(".letter *")


async def test_hostile_html_is_inert(world, browser):
    account = await world.registered()
    raw = mail("Hello in text", HOSTILE, [("logo.png", "image/png", PNG)])
    copy = await world.written(account, raw)
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    frame = browser.page.css_first("iframe.letter")
    assert set(frame.attributes["sandbox"].split()).isdisjoint({"allow-scripts", "allow-forms", "allow-top-navigation"})
    document = LexborHTMLParser(frame.attributes["srcdoc"])
    assert document.css_first("meta[http-equiv]").attributes["content"].startswith("default-src 'none'")
    letter = document.body
    tags = {node.tag for node in letter.css("body *")}
    assert tags == {"h2", "img", "a", "div", "table", "tbody", "tr", "td"}
    assert {name for node in letter.css("body *") for name in node.attributes} == {"src", "alt", "href", "rel", "class"}
    assert {node.attributes["class"] for node in letter.css("[class]")} == {"m-scrolls"}
    assert [image.attributes.get("src") for image in letter.css("img")] == [None, f"/messages/{copy.id}/attachments/0"]
    assert [link.attributes.get("href") for link in letter.css("a")] == [None, None, None, "https://nice.example"]
    assert "alert" not in letter.html
    assert "Hello in text" in browser.text


@pytest.mark.parametrize(
    "html",
    [
        '<a href="java\tscript:alert(1)">x</a>',
        '<a href=" javascript:alert(1)">x</a>',
        '<a href="&#106;avascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<img src="cid:other">',
        '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
        '<img srcset="https://tracker.example 2x">',
        '<p style="background:url(//tracker.example)">x</p>',
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
        '<video poster="//tracker.example"><source src="//tracker.example"></video>',
        '</div></main><h1 class="x">Not ours</h1>',
    ],
)
def test_what_could_act_or_fetch_goes(html):
    made = safe(html, (), "/files").html
    for bad in (
        "javascript",
        'alert(1)"',
        "data:",
        "tracker",
        "src=",
        "onerror=",
        "style",
        "class",
        "</div>",
        "</main>",
    ):
        assert bad not in made


async def test_an_unreadable_message_is_offered_as_it_came(world, browser):
    account = await world.registered()
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200))
    copy = await world.written(account, raw)
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert browser.status == 200
    assert "We cannot show this message" in browser.text
    await browser.go(f"/messages/{copy.id}/original")
    assert browser.response.content == raw
    assert browser.response.headers["content-disposition"].startswith('attachment; filename="message-')


@pytest.mark.parametrize(
    ("name", "kind", "served"),
    [
        ("Résumé ☃.pdf", "application/pdf", "application/pdf"),
        ('a"b\\c.html', "text/html", "application/octet-stream"),
        ("../../etc/passwd", "application/x-sh", "application/octet-stream"),
        ("x\u202egnp.exe", "image/svg+xml", "application/octet-stream"),
        ("<img onerror=alert(1)>.png", "image/png", "image/png"),
    ],
)
async def test_files_come_down_inert(world, browser, name, kind, served):
    account = await world.registered()
    copy = await world.written(account, mail(files=[(name, kind, b"<script>alert(1)</script>")]))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert {node.tag for node in browser.page.css(".files *")} == {"li", "a", "bdi", "span"}
    await browser.go(browser.page.css_first(".files a").attributes["href"])
    headers = browser.response.headers
    assert headers["content-type"] == served
    assert headers["content-disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''" in headers["content-disposition"]
    assert not set(headers["content-disposition"]) & set("\r\n\u202e/<>")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert browser.response.content == b"<script>alert(1)</script>"


@both_stores
async def test_anothers_message_is_not_there(world, browser):
    pat, omar = await world.registered(), await world.registered("omar@hillside.example", "Dr Omar")
    mine, theirs = await world.written(pat), await world.written(omar)
    await world.invited(PATIENT, to="three@home.example")
    (held,) = await world.rows(Copy, address="three@home.example")
    await browser.sign_in()
    await browser.go(f"/messages/{mine.id}")
    assert browser.status == 200
    pages = []
    for number in (theirs.id, held.id, 999, 2**63, 10**40):
        for path in ("", "/original", "/attachments/0", "/reply"):
            await browser.go(f"/messages/{number}{path}")
            pages.append((browser.status, browser.response.text))
    assert len(set(pages)) == 1
    assert pages[0][0] == 404
    await browser.go(f"/messages/{mine.id}/attachments/0")
    assert browser.status == 404


class Counting:
    """A transaction that counts its statements."""

    def __init__(self, tx):
        self._tx, self.statements = tx, 0

    def __getattr__(self, name):
        asked = getattr(self._tx, name)

        def count(*args, **kwargs):
            self.statements += 1
            return asked(*args, **kwargs)

        return count


def _counted(ctx, use_case, *args, **kwargs):
    counting = Counting(ctx.tx)
    return use_case(replace(ctx, tx=counting), *args, **kwargs), counting.statements


async def test_an_inbox_takes_as_few_statements_for_many_lines_as_for_one(world):
    pat = await world.registered()
    await world.written(pat)
    one, for_one = await world.desk.ask(_counted, lines.inbox, pat)
    for _ in range(30):
        await world.written(pat)
    many, for_many = await world.desk.ask(_counted, lines.inbox, pat)
    assert (len(one), len(many)) == (1, 31)
    assert for_one == for_many == 5


async def test_whom_one_may_write_to_is_looked_for_among_the_newest_messages(world, monkeypatch):
    monkeypatch.setattr(messages, "RECENT", 3)
    pat = await world.registered()
    for _ in range(5):
        await world.written(pat)
    asked = []

    def looked(ctx):
        counting = Counting(ctx.tx)
        counting.find = lambda table, **where: asked.append((table, where)) or ctx.tx.find(table, **where)
        return messages.correspondents(replace(ctx, tx=counting), pat)

    [ada] = await world.desk.ask(looked)
    assert ada.name == "Dr Ada"
    assert [where["limit"] for table, where in asked if table is Copy] == [3]
    assert [len(where["id__in"]) for table, where in asked if table is Message] == [3]


async def test_the_inbox_says_which_messages_bring_files(world, browser):
    account = await world.registered()
    await world.written(account, mail(files=[("a.pdf", "application/pdf", b"%PDF")]), "With a letter")
    await world.written(account, subject="Only words")
    await browser.sign_in()
    lines = [line.text() for line in browser.page.css(".lines li")]
    assert [("with files" in line, "Only words" in line) for line in lines] == [(False, True), (True, False)]


async def test_what_one_has_sent_says_so_too(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    for files in (None, [("attachments", ("a.txt", b"one", "text/plain"))]):
        await browser.go(f"/messages/{copy.id}/reply")
        await browser.press("Send", files=files, body="Thank you.")
    await browser.go("/inbox?show=sent")
    assert ["with files" in line.text() for line in browser.page.css(".lines li")] == [True, False]


@pytest.mark.parametrize("subject", ["Befund M\u00fcller", "Befund Mu\u0308ller", "BEFUND MÜLLER", "Befund Ｍüller"])
@pytest.mark.parametrize("words", ["m\u00fcller", "mu\u0308ller", "befund MÜLLER"])
async def test_a_search_finds_a_name_however_its_letters_are_put_together(world, browser, subject, words):
    await world.written(await world.registered(), subject=subject)
    await browser.sign_in()
    await browser.go("/inbox", params={"q": words})
    assert "1 message has" in browser.text
    assert "not inside files" in browser.text
