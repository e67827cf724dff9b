"""How mails look, as far as their markup tells."""

import re
from dataclasses import replace

from gateway.domain.colour import contrast
from gateway.edge.render import Templates
from tests.edge.stories import lives
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World


async def one_of_each() -> dict[str, str]:
    """The HTML of one mail of each kind and audience, by name."""
    written = [mail for world in await lives() for mail in world.mails]
    return {f"mail-{mail.notice.value}-{mail.audience.value}": mail.rendered.html for mail in reversed(written)}


async def test_no_mail_has_small_text():
    for world in await lives():
        for mail in world.mails:
            sizes = re.findall(r"font(?:-size)?:\s*(\d+)px", mail.rendered.html)
            assert sizes
            assert min(map(int, sizes)) >= 16


async def test_the_invitations_button_has_the_practices_colour_and_can_be_read():
    practices = (replace(SITE.practices[0], colour="#ffcc00"), *SITE.practices[1:])
    world = World(Templates(replace(SITE, practices=practices)))
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    html = next(mail.rendered.html for mail in world.mails if "invite" in mail.facts)
    [ground] = re.findall(r'bgcolor="(#\w+)"', html)
    assert ground != "#0b559f"
    assert contrast(ground, "#ffffff") >= 4.5


async def test_a_list_of_mails_shows_who_wrote_the_invitation():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    html = next(mail.rendered.html for mail in world.mails if "invite" in mail.facts)
    preview = re.search(r'<div aria-hidden="true"[^>]*>(.*?)</div>', html, re.DOTALL).group(1)
    assert "Dr Ada of Riverside Family Practice" in preview
