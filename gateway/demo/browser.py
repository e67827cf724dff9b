"""The least of a web browser: pages, cookies, forms; enough to walk through the portal without a person."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy

from selectolax.lexbor import LexborHTMLParser, LexborNode

TIMEOUT = 30


class Browser:
    """One person's browser. `url`, `status` and `page` are of the page that is shown."""

    def __init__(self) -> None:
        jar = CookieJar(DefaultCookiePolicy(rfc2965=False))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.url, self.status, self.octets = "", 0, b""

    @property
    def page(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.octets.decode("utf-8", "replace"))

    @property
    def text(self) -> str:
        """What a person reads on the page, in one line."""
        main = self.page.css_first("main") or self.page.body
        return " ".join(main.text(separator=" ").split()) if main else ""

    def open(self, url: str, data: dict[str, str] | None = None) -> "Browser":
        """Go to a page, or send a form to it; redirects are followed. Raises OSError, for half a page as well."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        target = urllib.parse.urljoin(self.url, url)
        try:
            with self._opener.open(target, body, timeout=TIMEOUT) as response:
                self.url, self.status, self.octets = response.url, response.status, response.read()
        except urllib.error.HTTPError as error:
            self.url, self.status, self.octets = target, error.code, error.read()
            error.close()
        except http.client.HTTPException as error:  # whoever served it has ended meanwhile
            raise ConnectionError(f"{target} was cut short: {error}") from error
        return self

    def follow(self, words: str) -> "Browser":
        """Follow the first link with these words in it. Raises LookupError."""
        for link in self.page.css("a[href]"):
            if words in link.text():
                return self.open(link.attributes["href"] or "")
        raise LookupError(f"no link {words!r} on {self.url}: {self.text[:300]}")

    def send(self, **typed: str) -> "Browser":
        """Fill in the page's form, as far as it has these fields, and send it. Raises LookupError."""
        form = self.page.css_first("main form[method=post]")
        if form is None:
            raise LookupError(f"no form on {self.url}: {self.text[:300]}")
        fields = {
            name: _value(field) for field in form.css("input, textarea") if (name := field.attributes.get("name"))
        }
        answers = {name: value for name, value in typed.items() if name in fields}
        given = {name: value for name, value in fields.items() if value is not None}
        return self.open(form.attributes.get("action") or "", given | answers)


def _value(field: LexborNode) -> str | None:
    """What the field would send if nobody touched it; None for a box that is not ticked, or a file."""
    kind = field.attributes.get("type") or ""
    if kind == "file" or (kind in ("radio", "checkbox") and "checked" not in field.attributes):
        return None
    return field.attributes.get("value") or ""
