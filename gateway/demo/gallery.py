"""*All mails*: each kind that the gateway writes, in each language, as HTML on a phone and as plain text."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from gateway.demo.samples import ENVELOPES, SAMPLES
from gateway.domain.words import LANGUAGES
from gateway.edge.render import Templates
from gateway.ports import Rendered

FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""For the frame of a mail's HTML: nothing is loaded, nothing runs."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The gallery's routes. `mails` renders the site's own templates, `pages` those of the demo."""

    mails: Templates
    pages: Templates

    async def show(self, request: Request) -> Response:
        """All of them, in one language."""
        language = _language(request)
        rendered = await asyncio.to_thread(lambda: [self._rendered(number, language) for number in range(len(SAMPLES))])
        facts = {
            "samples": list(zip(SAMPLES, rendered, strict=True)),
            "language": language,
            "languages": LANGUAGES,
        }
        return HTMLResponse(await asyncio.to_thread(self.pages.page, "gallery", "en", facts))

    async def frame(self, request: Request) -> Response:
        """The HTML of one of them."""
        number = request.path_params["number"]
        if number >= len(SAMPLES):
            return PlainTextResponse("no such mail", 404)
        rendered = await asyncio.to_thread(self._rendered, number, _language(request))
        return HTMLResponse(rendered.html, headers={"Content-Security-Policy": FRAME_POLICY})

    def _rendered(self, number: int, language: str) -> Rendered:
        sample = SAMPLES[number]
        facts = {**sample.facts, **ENVELOPES[sample.audience], "reply_to": "bot@secure.riverside.example"}
        return self.mails.mail(sample.notice, sample.audience, language, facts)


def _language(request: Request) -> str:
    asked = request.query_params.get("language", "en")
    return asked if asked in LANGUAGES else "en"
