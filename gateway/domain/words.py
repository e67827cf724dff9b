"""What senders type, in each language that the gateway speaks: the names of the verbs, and words around them.

English always works. A word means one verb, whatever the language; the first of each is the one that we use ourselves.
"""

from collections.abc import Mapping

LANGUAGES: tuple[str, ...] = ("en", "es", "fr", "de")

VERBS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "PATIENT": ("PATIENT",),
        "CLINICIAN": ("CLINICIAN", "COLLEAGUE CLINICIAN"),
        "STAFF": ("STAFF", "COLLEAGUE STAFF"),
        "COLLEAGUE": ("COLLEAGUE",),
        "REMIND": ("REMIND", "RESEND"),
        "CANCEL": ("CANCEL",),
        "STATUS": ("STATUS",),
        "LIST": ("LIST",),
        "DIRECTORY": ("DIRECTORY",),
        "PATIENTS": ("PATIENTS",),
        "INVITE": ("INVITE",),
        "YES": ("YES",),
        "PLAIN": ("PLAIN",),
        "HELP": ("HELP",),
        "MOVE": ("MOVE",),
        "RECALL": ("RECALL",),
        "READ": ("READ",),
        "DELEGATE": ("DELEGATE",),
        "UNDELEGATE": ("UNDELEGATE",),
    },
    "es": {
        "PATIENT": ("PACIENTE",),
        "CLINICIAN": ("MÉDICO", "MÉDICA", "CLÍNICO"),
        "STAFF": ("PERSONAL",),
        "COLLEAGUE": ("COLEGA",),
        "REMIND": ("RECORDAR", "REENVIAR"),
        "CANCEL": ("CANCELAR", "ANULAR"),
        "STATUS": ("ESTADO",),
        "LIST": ("LISTA",),
        "DIRECTORY": ("DIRECTORIO",),
        "PATIENTS": ("PACIENTES",),
        "INVITE": ("INVITAR",),
        "YES": ("SÍ",),
        "PLAIN": ("ORDINARIO", "NORMAL"),
        "HELP": ("AYUDA",),
        "MOVE": ("MOVER",),
        "RECALL": ("RETIRAR",),
        "READ": ("LEÍDO",),
        "DELEGATE": ("DELEGAR",),
        "UNDELEGATE": ("REVOCAR",),
    },
    "fr": {
        "PATIENT": ("PATIENT", "PATIENTE"),
        "CLINICIAN": ("CLINICIEN", "CLINICIENNE", "MÉDECIN"),
        "STAFF": ("PERSONNEL",),
        "COLLEAGUE": ("COLLÈGUE", "CONFRÈRE", "CONSŒUR", "CONSOEUR"),
        "REMIND": ("RAPPELER", "RAPPEL", "RENVOYER"),
        "CANCEL": ("ANNULER",),
        "STATUS": ("STATUT", "ÉTAT"),
        "LIST": ("LISTE",),
        "DIRECTORY": ("ANNUAIRE",),
        "PATIENTS": ("PATIENTS",),
        "INVITE": ("INVITER",),
        "YES": ("OUI",),
        "PLAIN": ("ORDINAIRE", "NORMAL"),
        "HELP": ("AIDE",),
        "MOVE": ("DÉPLACER",),
        "RECALL": ("RETIRER",),
        "READ": ("LU",),
        "DELEGATE": ("DÉLÉGUER",),
        "UNDELEGATE": ("RÉVOQUER",),
    },
    "de": {
        "PATIENT": ("PATIENT", "PATIENTIN"),
        "CLINICIAN": ("ARZT", "ÄRZTIN", "AERZTIN"),
        "STAFF": ("MITARBEITER", "MITARBEITERIN", "PERSONAL"),
        "COLLEAGUE": ("KOLLEGE", "KOLLEGIN"),
        "REMIND": ("ERINNERN",),
        "CANCEL": ("ABBRECHEN", "STORNIEREN"),
        "STATUS": ("STATUS",),
        "LIST": ("LISTE",),
        "DIRECTORY": ("VERZEICHNIS",),
        "PATIENTS": ("PATIENTEN", "PATIENTINNEN"),
        "INVITE": ("EINLADEN",),
        "YES": ("JA",),
        "PLAIN": ("GEWÖHNLICH", "NORMAL", "UNVERSCHLÜSSELT"),
        "HELP": ("HILFE",),
        "MOVE": ("VERSCHIEBEN",),
        "RECALL": ("ZURÜCKRUFEN",),
        "READ": ("GELESEN",),
        "DELEGATE": ("DELEGIEREN",),
        "UNDELEGATE": ("WIDERRUFEN",),
    },
}

RECEIVED: Mapping[str, str] = {
    "en": "(birthdate received)",
    "es": "(fecha de nacimiento recibida)",
    "fr": "(date de naissance reçue)",
    "de": "(Geburtsdatum erhalten)",
}
"""What is read back in the place of a birthdate."""

MEANT: Mapping[str, tuple[str, ...]] = {
    "CANCEL": (
        *("stop", "abort", "withdraw", "delete", "discard", "drop", "undo", "cancellation", "cancelled", "canceled"),
        *("stopp", "löschen", "zurückziehen", "absagen", "supprimer", "arrêter", "arrête", "effacer"),
        *("parar", "borrar", "eliminar", "detener"),
    ),
    "RECALL": ("unsend", "retract", "take back", "zurückholen", "reprendre", "recuperar"),
    "REMIND": ("reminder", "chase", "nudge", "erinnerung", "relancer", "recordatorio"),
    "INVITE": ("invitation", "reinvite", "einladung"),
    "PATIENT": ("client", "pt", "klient", "klientin", "cliente"),
    "CLINICIAN": ("doctor", "gp", "doktor", "docteur", "doctora"),
    "STAFF": ("receptionist", "secretary", "sekretärin", "secrétaire", "secretaria"),
    "COLLEAGUE": ("partner",),
    "YES": ("ok", "okay", "yep", "yeah", "confirm", "confirmed", "correct", "agreed", "stimmt", "d'accord", "vale"),
    "STATUS": ("state", "progress", "stand"),
    "LIST": ("waiting", "pending"),
    "MOVE": ("redirect", "forward", "readdress", "weiterleiten", "transférer"),
    "HELP": ("info", "commands", "manual", "?", "befehle", "commandes", "comandos"),
}
"""What people write who mean a verb, and which is none: they are asked whether they do."""

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
