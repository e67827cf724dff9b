"""The administrator's pages of a world, and what its administrator does first: follow a link from the command line."""

from dataclasses import dataclass, field
from typing import Any

from gateway.edge.render import Templates
from gateway.flow.administration.admin_session import make_link
from gateway.portal.admin.app import create_app
from gateway.portal.admin.door import Panel, SettingLine
from gateway.portal.cookies import Cookies
from gateway.testing import FakeRandom, FakeSignIn
from tests.browser import Browser
from tests.practice import World

URL = "https://gateway-admin.riverside.example"
LINES = [
    SettingLine("site.name", "Riverside Secure Mail", "file"),
    SettingLine("smtp.listen", "127.0.0.1:2525", "default"),
    SettingLine("keys.command", "(secret)", "environment"),
]


@dataclass
class AdminPages:
    """Of this world; `door` is the site's own sign-in, if it has one."""

    world: World = field(default_factory=World)
    door: FakeSignIn | None = None
    allowed: frozenset[str] = frozenset({"it@riverside.example"})
    certificates: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = create_app(
            Panel(
                desk=self.world.desk,
                random=FakeRandom(),
                pages=Templates(self.world.desk.site, pages="admin"),
                cookies=Cookies(secure=True),
                url=URL,
                settings=lambda: LINES,
                certificates=lambda: self.certificates,
                addresses=self.allowed,
                sign_in=self.door,
            )
        )

    def browser(self) -> Browser:
        return Browser(self.app, url=URL)

    async def link(self, name: str = "root") -> str:
        return f"/admin/enter/{await self.world.desk.at('command line, root').do(make_link, name)}"

    async def signed_in(self) -> Browser:
        browser = await self.browser().go(await self.link())
        return await browser.press("Sign in")
