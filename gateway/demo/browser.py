"""A browser for the walk without a person: links, forms, cookies and redirects; no styles, no scripts."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT = 30
_REDIRECTS = (302, 303, 307)


@dataclass(slots=True)
class Form:
    """A form, with what its fields hold already; `button` is what pressing Enter presses."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a request came to in the end."""

    url: str
    status: int
    octets: bytes
    text: str
    links: tuple[str, ...]
    forms: tuple[Form, ...]

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def link(self, part: str) -> str:
        """The first link with this in its address, or ""."""
        return next((link for link in self.links if part in link), "")


class Browser:
    """One person's browser: a GET is `open`, a filled-in form is `fill`. Both block."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._cookies: dict[str, str] = {}

    def open(self, url: str) -> Page:
        """Go to a page of the origin, following redirects."""
        return self._request("GET", url)

    def fill(self, page: Page, **typed: str) -> Page:
        """Send the page's own form, the one that posts to the page itself, with these fields typed in."""
        form = next((one for one in page.forms if one.action == page.path), None)
        if form is None:
            return page  # there is nothing to fill in: the caller finds itself where it was
        fields = form.fields | (form.button or {}) | typed
        return self._request("POST", urljoin(page.url, form.action), urlencode(fields))

    def _request(self, method: str, url: str, body: str | None = None) -> Page:
        url = urljoin(self._origin, url)
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection(parts.netloc, timeout=TIMEOUT)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            octets = response.read()
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: cookie.value for name, cookie in SimpleCookie(line).items()}
        if response.status in _REDIRECTS:
            return self._request("GET", urljoin(url, response.headers["Location"]))
        is_page = response.headers.get_content_type() == "text/html"
        reader = _Reader(octets.decode() if is_page else "")
        text = reader.text if is_page else octets.decode("utf-8", "replace")
        return Page(url, response.status, octets, text, tuple(reader.links), tuple(reader.forms))


class _Reader(HTMLParser):
    """What a page says, and what can be done on it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._within: list[str] = []
        self._typing = ""
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "a" if "href" in given:
                self.links.append(given["href"])
            case "form":
                self.forms.append(Form(given.get("action", "")))
            case "input" | "button" | "textarea" if self.forms:
                self._add_field(tag, given)
            case "script" | "style" | "title":
                self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            self._within.remove(tag)
        if tag == "textarea":
            self._typing = ""

    def handle_data(self, data: str) -> None:
        if self._typing:
            self.forms[-1].fields[self._typing] += data
        elif not self._within:
            self._words.append(data)

    def _add_field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given.get("name", "")
        if tag == "button":
            if form.button is None:
                form.button = {name: given.get("value", "")} if name else {}
        elif tag == "textarea":
            self._typing, form.fields[name] = name, ""
        elif name and given.get("type") not in ("file", "radio", "checkbox"):
            form.fields[name] = given.get("value", "")
