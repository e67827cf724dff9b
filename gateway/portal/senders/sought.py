"""What a sender's page is asked to show."""

from gateway.flow.commands.sender_page import SHOWN, PeopleFilter
from gateway.portal.visit import Visit

LONGEST_SEARCH = 200


def sought(visit: Visit) -> PeopleFilter:
    """From the page's address."""
    query = visit.request.query_params
    show = query.get("show", "")
    return PeopleFilter(
        show=show if show in SHOWN else "waiting",
        words=query.get("q", "")[:LONGEST_SEARCH].strip(),
        page=visit.page,
        person=query.get("person", "")[:320],
    )
