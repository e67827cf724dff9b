"""How soon each page is seen: `python -m tests.bench.paint` prints the median first paint of five loads, by scene."""

from statistics import median

from tests.looks.looking import chromium
from tests.looks.scenes import SCENES
from tests.looks.stage import staged

LOADS = 5
FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const entry of list.getEntriesByName('first-contentful-paint')) done(entry.startTime)
}).observe({type: 'paint', buffered: true}))"""


def main() -> None:
    """A scene that a form has brought is measured as its address is when asked for again."""
    with chromium() as browser:
        for scene in SCENES:
            with staged() as stage, browser.new_context() as context:
                page = context.new_page()
                scene.prepare(stage, page)
                seen = []
                for _ in range(LOADS):
                    page.goto(page.url)
                    seen.append(page.evaluate(FIRST_PAINT))
                print(f"{median(seen):7.0f} ms  {scene.name}", flush=True)


if __name__ == "__main__":
    main()
