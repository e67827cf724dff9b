"""What a sender's page is asked to show."""

from gateway.flow.sender_page import SHOWN, Sought
from gateway.portal.visit import Visit

LONGEST_SEARCH = 200


def sought(visit: Visit) -> Sought:
    """From the page's address."""
    query = visit.request.query_params
    show = query.get("show", "")
    return Sought(
        show=show if show in SHOWN else "waiting",
        words=query.get("q", "")[:LONGEST_SEARCH].strip(),
        page=visit.page,
        person=query.get("person", "")[:320],
    )
