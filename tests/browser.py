"""A browser without a screen: it follows links and sends back the forms that it was shown, hidden fields and all."""

import re
from dataclasses import dataclass
from typing import Any

import httpx2
from selectolax.lexbor import LexborHTMLParser, LexborNode

URL = "https://secure.riverside.example"
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """Knows the portal only from outside, at an address of its own."""

    app: Any
    host: str = "192.0.2.1"
    url: str = URL
    response: httpx2.Response | None = None

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(self.app, client=(self.host, 1234))
        self.client = httpx2.AsyncClient(transport=transport, base_url=self.url, follow_redirects=True)

    async def go(self, path: str, **options: Any) -> "Browser":
        self.response = await self.client.get(path, **options)
        return self

    async def press(self, button: str, files: Any = None, **typed: Any) -> "Browser":
        """Fill in the form that has this button, and press it."""
        form, pressed = self._form_with(button)
        data = _values(form)
        if pressed.attributes.get("name"):
            data[pressed.attributes["name"]] = pressed.attributes["value"]
        data |= typed
        target = self.response.url.join(pressed.attributes.get("formaction") or form.attributes["action"])
        self.response = await self.client.post(target, data=data, files=files)
        return self

    async def follow(self, link: str) -> "Browser":
        """Click the link whose words begin so."""
        found = next(one for one in self.page.css("a[href]") if one.text().strip().startswith(link))
        return await self.go(str(self.response.url.join(found.attributes["href"])))

    def forget(self) -> None:
        """Lose all cookies, as on another machine."""
        self.client.cookies.clear()

    async def sign_in(self, email: str = "pat@home.example", password: str = PASSWORD) -> "Browser":
        await self.go("/sign-in")
        return await self.press("Sign in", email=email, password=password)

    @property
    def page(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.response.text)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.url.path

    @property
    def heading(self) -> str:
        return _squeezed(self.page.css_first("h1").text())

    @property
    def text(self) -> str:
        return _squeezed(self.page.css_first("main").text(separator=" "))

    def _form_with(self, label: str) -> tuple[LexborNode, LexborNode]:
        for form in self.page.css("form"):
            for button in form.css("button"):
                if button.text().strip().startswith(label):
                    return form, button
        raise AssertionError(f"no button {label!r} on this page: {self.text}")


def _values(form: LexborNode) -> dict[str, str]:
    data = {}
    for field in form.css("input, textarea"):
        kind, name = field.attributes.get("type"), field.attributes.get("name")
        if kind == "file" or (kind == "radio" and "checked" not in field.attributes):
            continue
        data[name] = field.text() if field.tag == "textarea" else field.attributes.get("value") or ""
    return data


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
