"""Who takes part in the demo: two practices, a patient, and the practices' people."""

from dataclasses import dataclass
from datetime import date

from gateway.config.sections import PracticeSection

SITE_DOMAIN = "secure.riverside.example"
TIMEZONE = "Europe/London"
PRACTICES = [
    PracticeSection(
        id="riverside",
        name="Riverside Family Practice",
        domains=["riverside.example"],
        managers=["ada@riverside.example"],
    ),
    PracticeSection(id="hillside", name="Hillside Surgery", domains=["hillside.example"]),
]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox."""

    name: str
    address: str
    about: str
    born: date | None = None

    @property
    def domain(self) -> str:
        return self.address.partition("@")[2]


ADA = Person("Dr Ada", "ada@riverside.example", "manages Riverside Family Practice")
PAT = Person("Pat", "pat@home.example", "a patient, born 3 February 1980", date(1980, 2, 3))
CLEO = Person("Cleo", "cleo@riverside.example", "Dr Ada's colleague")
OMAR = Person("Dr Omar", "omar@hillside.example", "Hillside Surgery")
PEOPLE = (ADA, PAT, CLEO, OMAR)
RECEPTION = Person("Reception", "reception@riverside.example", "Riverside Family Practice")
"""Who has written for the practice before the visitor comes."""


def person(address: str) -> Person:
    """The sample person who has this address, or somebody new."""
    known = (one for one in PEOPLE if one.address == address)
    return next(known, Person(address.partition("@")[0], address, "somebody else"))
