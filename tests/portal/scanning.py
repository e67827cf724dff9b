"""A scanner of mail: it follows the links of mails, and submits each form that it meets with each of its buttons."""

from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2
from selectolax.lexbor import LexborHTMLParser

DEPTH = 4
"""How many steps from the mail it goes."""


@dataclass
class Scanner:
    """One browser a mailed link, as scanners have it; `fill` is what it types into fields that are empty."""

    app: object
    url: str
    fill: str = ""
    pressed: list[tuple[str, str, int]] = field(default_factory=list)
    """What it has pressed: where the form went to, the words of the button, and the status of the answer."""
    _seen: set[object] = field(default_factory=set)

    async def follow(self, link: str) -> None:
        """All that is near the link, what is nearest first."""
        transport = httpx2.ASGITransport(self.app, client=("192.0.2.77", 1234))
        async with httpx2.AsyncClient(transport=transport, base_url=self.url, follow_redirects=True) as client:
            await client.head(link)
            pages = [await client.get(link)]
            for _ in range(DEPTH):
                pages = [answer for page in pages for answer in await self._look(client, page)]

    async def _look(self, client: httpx2.AsyncClient, answer: httpx2.Response) -> list[httpx2.Response]:
        """What comes of every link and button of a page."""
        if "text/html" not in answer.headers.get("content-type", ""):
            return []
        here, page, found = str(answer.url), LexborHTMLParser(answer.text), []
        for link in page.css("a[href]"):
            there = urldefrag(urljoin(here, link.attributes["href"]))[0]
            if self._is_ours(there) and self._is_new(("GET", there)):
                found.append(await client.get(there))
        for form in page.css("form"):
            for button in form.css("button, input[type=submit]") or [None]:
                found += await self._press(client, here, form, button)
        return found

    async def _press(self, client, here, form, button) -> list[httpx2.Response]:
        target = urljoin(here, form.attributes.get("action") or here)
        method = (form.attributes.get("method") or "get").upper()
        data = _filled(form, self.fill)
        if button is not None and (name := button.attributes.get("name")):
            data[name] = button.attributes.get("value") or ""
        if button is not None and button.attributes.get("type") == "button":
            return []
        known = {name: value for name, value in data.items() if name not in {"csrf_token", "state"}}
        if not self._is_ours(target) or not self._is_new((method, target, tuple(sorted(known.items())))):
            return []
        if method == "GET":
            answer = await client.get(target, params=data)
        else:
            answer = await client.post(target, data=data)
        self.pressed.append((urlsplit(target).path, button.text().strip() if button else "", answer.status_code))
        return [answer]

    def _is_ours(self, link: str) -> bool:
        """A page of ours; the choice of a language is a cookie, and would only make all pages others."""
        return link.startswith(f"{self.url}/") and urlsplit(link).path != "/language"

    def _is_new(self, what: object) -> bool:
        new = what not in self._seen
        self._seen.add(what)
        return new


def _filled(form, fill: str) -> dict[str, str]:
    """What a browser sends of this form as it stands; with `fill` in the fields that are empty."""
    data: dict[str, str] = {}
    for one in form.css("input, textarea, select"):
        kind, name = one.attributes.get("type", "text"), one.attributes.get("name")
        if not name or kind in {"file", "submit"}:
            continue
        if kind in {"radio", "checkbox"}:
            if "checked" in one.attributes:
                data[name] = one.attributes.get("value") or "on"
            continue
        value = one.text() if one.tag == "textarea" else one.attributes.get("value") or ""
        data[name] = value or ("" if kind == "hidden" else fill)
    return data
