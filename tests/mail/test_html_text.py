"""What an HTML mail means survives: in the words that stand for its styles, and in its plain text."""

import pytest

from gateway.mail.html_meaning import meant
from gateway.mail.html_text import text_of
from gateway.portal.mail.html import safe


def plain(html):
    made = safe(html, (), "/files")
    assert made is not None
    return text_of(made.html)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("text-decoration: line-through", "through"),
        ("color:red;TEXT-DECORATION : underline line-through !important", "red underline through"),
        ("text-decoration-line:line-through; white-space:pre-wrap", "through pre"),
        ("font-weight: 700; font-style: oblique", "bold italic"),
        ("vertical-align: super", "super"),
        ("direction:rtl; text-align:right", "rtl right"),
        ("display:none", "hidden"),
        ("color:#c00", "red"),
        ("color: rgb(0, 90, 200)", "blue"),
        ("color:#111", ""),
        ("color:#fefefe", ""),
        ("background:url(x);position:fixed", ""),
        ("a" * 10_000, ""),
    ],
)
def test_a_style_is_kept_as_what_it_means(style, words):
    assert meant({"style": style}) == words


def test_attributes_mean_the_same():
    assert meant({"align": "RIGHT", "color": "blue"}) == "right blue"


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<strike>5 mg</strike>", "<strike>5 mg</strike>"),
        ("<span style='text-decoration:line-through'>5 mg</span>", '<span data-meant="through">5 mg</span>'),
        ("<ol start=4 type=a><li value=7>x</li></ol>", '<ol start="4" type="a"><li value="7">x</li></ol>'),
        ("<p dir=rtl>x</p>", '<p dir="rtl">x</p>'),
        ("<p data-meant=hidden>x</p>", "<p>x</p>"),
        ("<td>x", "x"),
    ],
)
def test_what_cleaning_keeps(html, kept):
    made = safe(html, (), "/files")
    assert made is not None
    assert made.html.strip() == kept


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>take <s>20 mg</s> 2 mg</p>", "take ~~20 mg~~ 2 mg"),
        ("<p>6.2 x 10<sup>9</sup>/l and B<sub>12</sub></p>", "6.2 x 10⁹/l and B₁₂"),
        ("<p>x<sup>abc</sup> y<sub>max</sub></p>", "x^abc ymax"),
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<p>ha<b>emo</b>globin</p>", "haemoglobin"),
        ("<ul><li>a<li>b</ul>", "• a\n• b"),
        ("<ol start=3><li>a<li value=7>b<li>c</ol>", "3. a\n7. b\n8. c"),
        ("<div style='white-space:pre'>Na   140\nK      4</div>", "Na   140\nK      4"),
        ("<pre>a  b\n c</pre>", "a  b\n c"),
        (
            "<table><tr><th>Iron<th>Unit<tr><td>132<td>g/l<tr><td>4.1<td>mmol/l</table>",
            "Iron  Unit\n132   g/l\n4.1   mmol/l",
        ),
        ("<table><tr><td><p>One</p><p>Two</p></td></tr></table>", "One\n\nTwo"),
        ("<p>seen</p><p style='display:none'>unseen</p>", "seen"),
        ("<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"),
        ("", ""),
    ],
)
def test_the_plain_text_of_html(html, text):
    assert plain(html) == text


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_picture_within_a_link_is_shown_and_nothing_else_of_that_kind(kind):
    source = f"data:image/{kind};base64,aGVsbG8="
    made = safe(f'<img src="{source}"><a href="{source}">x</a><img src="data:text/html,x">', (), "/files")
    assert made is not None
    assert made.html.count(source) == 1
    assert "text/html" not in made.html
