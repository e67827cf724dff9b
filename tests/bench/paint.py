"""How soon each page is seen: `python -m tests.bench.paint` prints the median first paint of five loads, by scene."""

from statistics import median

from gateway.testing import FakeSignIn
from tests.browser import Browser
from tests.looks.looking import chromium
from tests.looks.scenes import ADA, MANAGED, SCENES
from tests.served_portal import Served, served_portal

LOADS = 5
FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const entry of list.getEntriesByName('first-contentful-paint')) done(entry.startTime)
}).observe({type: 'paint', buffered: true}))"""


def main() -> None:
    """A scene that a form has brought is measured as its address is when asked for again."""
    with chromium() as browser:
        for scene in SCENES:
            with (
                served_portal(site=MANAGED, sign_ins={"riverside": FakeSignIn(ADA)}) as portal,
                browser.new_context() as context,
            ):
                walked = portal.world.browser()
                portal.run(scene.prepare(portal.world, walked))
                context.add_cookies(_cookies(portal, walked))
                page = context.new_page()
                seen = []
                for _ in range(LOADS):
                    page.goto(str(walked.response.url))
                    seen.append(page.evaluate(FIRST_PAINT))
                print(f"{median(seen):7.0f} ms  {scene.name}", flush=True)


def _cookies(portal: Served, walked: Browser) -> list[dict[str, str]]:
    return [{"name": one.name, "value": one.value or "", "url": portal.url} for one in walked.client.cookies.jar]


if __name__ == "__main__":
    main()
