"""What senders type around the verbs (verbs.py), in each language that the gateway speaks."""

from collections.abc import Mapping

LANGUAGES: tuple[str, ...] = ("en", "es", "fr", "de")

RECEIVED: Mapping[str, str] = {
    "en": "(birthdate received)",
    "es": "(fecha de nacimiento recibida)",
    "fr": "(date de naissance reçue)",
    "de": "(Geburtsdatum erhalten)",
}
"""What is read back in the place of a birthdate."""

COURTESIES = frozenset(
    {"please", "pls", "plz", "kindly", "bitte", "por favor", "svp", "stp", "s'il vous plaît", "s’il vous plaît"}
)
"""Words before or after a command that change nothing of it."""
THANKS = frozenset({"thanks", "thank you", "thx", "many thanks", "danke", "merci", "gracias"})
"""What may end a command, but not YES: "Yes, thanks" is what people say who confirm nothing."""

ANNOUNCERS = (
    *("patient", "born", "birthdate", "birthday", "dob", "paciente", "nacido", "nacida", "nacimiento"),
    *("naissance", "née", "geboren", "geburtsdatum", "geburtstag", "patientin"),
)
"""After one of these, or a misspelling of it, a birthdate may follow in any form."""


def spoken(tags: str) -> str:
    """The first language that we have in a Content-Language or Accept-Language field, best first; "" for none.

    `de-CH, fr;q=0.8, *;q=0.1` is German.
    """
    wishes: list[tuple[float, str]] = []
    for wish in tags[:200].split(","):  # RFC 9110 §12.5.4, RFC 3282
        tag, _, weight = wish.partition(";")
        language = tag.strip().casefold().partition("-")[0]
        if language in LANGUAGES:
            wishes.append((_weight(weight), language))
    best = max((weight for weight, _ in wishes), default=0.0)
    return next((language for weight, language in wishes if weight == best > 0), "")


def _weight(text: str) -> float:
    name, _, value = text.replace(" ", "").partition("=")
    if name.casefold() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
