"""What a sender can tell the gateway: each verb declared once, with what people type for it and what HELP says.

English always works. A word means one verb, whatever the language; the first of each is the one that we use ourselves.
What a verb does is `flow/commands/verbs.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.domain.birthdate import fold
from gateway.domain.translatable import Translatable, say
from gateway.domain.vocabulary import Details, Relationship, Role
from gateway.domain.words import LANGUAGES


class Verb(StrEnum):
    """What is wanted; the value is the English word. HELP explains them in this order."""

    PATIENT = "PATIENT"
    CLINICIAN = "CLINICIAN"
    STAFF = "STAFF"
    COLLEAGUE = "COLLEAGUE"
    REMIND = "REMIND"
    CANCEL = "CANCEL"
    RECALL = "RECALL"
    READ = "READ"
    STATUS = "STATUS"
    LIST = "LIST"
    DIRECTORY = "DIRECTORY"
    PATIENTS = "PATIENTS"
    INVITE = "INVITE"
    MOVE = "MOVE"
    DELEGATE = "DELEGATE"
    UNDELEGATE = "UNDELEGATE"
    YES = "YES"
    PLAIN = "PLAIN"
    HELP = "HELP"


class Takes(Enum):
    """What may stand behind a verb, besides the address of whom it is about."""

    NOTHING = "nothing"
    BIRTHDATE = "a birthdate"
    DETAILS = "another verb that says who somebody is, with what that takes"
    ADDRESS = "a second address"
    REASON = "a reason, behind a colon or an address"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbSpec:
    """All that there is to say of a verb, but for what it does."""

    en: tuple[str, ...]
    es: tuple[str, ...]
    fr: tuple[str, ...]
    de: tuple[str, ...]
    does: Translatable
    """What HELP says of it."""
    example: str
    """A line of HELP's: `{verb}` is the verb, `{dated}` PATIENT with a birthdate."""
    form: Translatable | None = None
    """What HELP says of its arguments."""
    changes: bool = False
    """Whether it changes something; the others only answer."""
    about_one: bool = False
    """Whether without an address it speaks of whom the answered notice was about."""
    takes: Takes = Takes.NOTHING
    details: Details | None = None
    """What it says of a person by itself."""
    meant: tuple[str, ...] = ()
    """What people write who mean it, and which is none: they are asked whether they do."""
    sought_within: bool = False
    """Whether what is meant is looked for within a line as well: the words of the others stand in any mail."""

    def words(self, language: str) -> tuple[str, ...]:
        """What people type for it in this language."""
        typed: tuple[str, ...] = getattr(self, language)
        return typed


VERBS: Mapping[Verb, VerbSpec] = {
    Verb.PATIENT: VerbSpec(
        en=("PATIENT",),
        es=("PACIENTE",),
        fr=("PATIENT", "PATIENTE"),
        de=("PATIENT", "PATIENTIN"),
        does=say("The person is a patient. They show who they are with this date of birth."),
        form=say("and a date of birth"),
        example="pat@home.example {verb} {dated}",
        changes=True,
        about_one=True,
        takes=Takes.BIRTHDATE,
        meant=("client", "pt", "klient", "klientin", "cliente"),
    ),
    Verb.CLINICIAN: VerbSpec(
        en=("CLINICIAN", "COLLEAGUE CLINICIAN"),
        es=("MÉDICO", "MÉDICA", "CLÍNICO"),
        fr=("CLINICIEN", "CLINICIENNE", "MÉDECIN"),
        de=("ARZT", "ÄRZTIN", "AERZTIN"),
        does=say("The person is a clinician at your own practice."),
        example="cleo@riverside.example {verb}",
        changes=True,
        about_one=True,
        details=Details(Relationship.COLLEAGUE_HERE, Role.CLINICIAN),
        meant=("doctor", "gp", "doktor", "docteur", "doctora"),
    ),
    Verb.STAFF: VerbSpec(
        en=("STAFF", "COLLEAGUE STAFF"),
        es=("PERSONAL",),
        fr=("PERSONNEL",),
        de=("MITARBEITER", "MITARBEITERIN", "PERSONAL"),
        does=say("The person is a member of staff at your own practice."),
        example="cleo@riverside.example {verb}",
        changes=True,
        about_one=True,
        details=Details(Relationship.COLLEAGUE_HERE, Role.STAFF),
        meant=("receptionist", "secretary", "sekretärin", "secrétaire", "secretaria"),
    ),
    Verb.COLLEAGUE: VerbSpec(
        en=("COLLEAGUE",),
        es=("COLEGA",),
        fr=("COLLÈGUE", "CONFRÈRE", "CONSŒUR", "CONSOEUR"),
        de=("KOLLEGE", "KOLLEGIN"),
        does=say("The person is a colleague at another practice."),
        example="omar@hillside.example {verb}",
        changes=True,
        about_one=True,
        details=Details(Relationship.COLLEAGUE_ELSEWHERE),
        meant=("partner",),
    ),
    Verb.REMIND: VerbSpec(
        en=("REMIND", "RESEND"),
        es=("RECORDAR", "REENVIAR"),
        fr=("RAPPELER", "RAPPEL", "RENVOYER"),
        de=("ERINNERN",),
        does=say("Sends the person a reminder now."),
        example="pat@home.example {verb}",
        changes=True,
        about_one=True,
        meant=("reminder", "chase", "nudge", "erinnerung", "relancer", "recordatorio"),
        sought_within=True,
    ),
    Verb.CANCEL: VerbSpec(
        en=("CANCEL",),
        es=("CANCELAR", "ANULAR"),
        fr=("ANNULER",),
        de=("ABBRECHEN", "STORNIEREN"),
        does=say("Withdraws your mail, and the invitation if nobody else waits."),
        example="pat@home.example {verb}",
        changes=True,
        about_one=True,
        meant=(
            "stop",
            "abort",
            "withdraw",
            "delete",
            "discard",
            "drop",
            "undo",
            "cancellation",
            "cancelled",
            "canceled",
            "stopp",
            "löschen",
            "zurückziehen",
            "absagen",
            "supprimer",
            "arrêter",
            "arrête",
            "effacer",
            "parar",
            "borrar",
            "eliminar",
            "detener",
        ),
        sought_within=True,
    ),
    Verb.RECALL: VerbSpec(
        en=("RECALL",),
        es=("RETIRAR",),
        fr=("RETIRER",),
        de=("ZURÜCKRUFEN",),
        does=say(
            "Takes back your latest message to the person. If they have read it, add a colon and the reason: "
            "“RECALL: sent by mistake”."
        ),
        example="pat@home.example {verb}",
        changes=True,
        about_one=True,
        takes=Takes.REASON,
        meant=("unsend", "retract", "take back", "zurückholen", "reprendre", "recuperar"),
        sought_within=True,
    ),
    Verb.READ: VerbSpec(
        en=("READ",),
        es=("LEÍDO",),
        fr=("LU",),
        de=("GELESEN",),
        does=say("Says which of your messages have been read, where that is told."),
        example="pat@home.example {verb}",
        about_one=True,
    ),
    Verb.STATUS: VerbSpec(
        en=("STATUS",),
        es=("ESTADO",),
        fr=("STATUT", "ÉTAT"),
        de=("STATUS",),
        does=say("Says how things stand with one person."),
        example="pat@home.example {verb}",
        about_one=True,
        meant=("state", "progress", "stand"),
    ),
    Verb.LIST: VerbSpec(
        en=("LIST",),
        es=("LISTA",),
        fr=("LISTE",),
        de=("LISTE",),
        does=say("Lists everybody you still wait for."),
        example="{verb}",
        meant=("waiting", "pending"),
    ),
    Verb.DIRECTORY: VerbSpec(
        en=("DIRECTORY",),
        es=("DIRECTORIO",),
        fr=("ANNUAIRE",),
        de=("VERZEICHNIS",),
        does=say("Lists the colleagues your practice has invited."),
        example="{verb}",
    ),
    Verb.PATIENTS: VerbSpec(
        en=("PATIENTS",),
        es=("PACIENTES",),
        fr=("PATIENTS",),
        de=("PATIENTEN", "PATIENTINNEN"),
        does=say("Lists the patients your practice has invited."),
        example="{verb}",
    ),
    Verb.INVITE: VerbSpec(
        en=("INVITE",),
        es=("INVITAR",),
        fr=("INVITER",),
        de=("EINLADEN",),
        does=say("Invites somebody without a message, or invites them again."),
        example="{verb} pat@home.example {dated}",
        changes=True,
        takes=Takes.DETAILS,
        meant=("invitation", "reinvite", "einladung"),
    ),
    Verb.MOVE: VerbSpec(
        en=("MOVE",),
        es=("MOVER",),
        fr=("DÉPLACER",),
        de=("VERSCHIEBEN",),
        does=say("The person has another address: your mail, and the invitation, move there."),
        example="pat@homee.example {verb} pat@home.example",
        changes=True,
        about_one=True,
        takes=Takes.ADDRESS,
        meant=("redirect", "forward", "readdress", "weiterleiten", "transférer"),
    ),
    Verb.DELEGATE: VerbSpec(
        en=("DELEGATE",),
        es=("DELEGAR",),
        fr=("DÉLÉGUER",),
        de=("DELEGIEREN",),
        does=say("Lets a colleague at your practice act for you. Write DELEGATE alone to see who may act for you."),
        example="{verb} cleo@riverside.example",
        changes=True,
    ),
    Verb.UNDELEGATE: VerbSpec(
        en=("UNDELEGATE",),
        es=("REVOCAR",),
        fr=("RÉVOQUER",),
        de=("WIDERRUFEN",),
        does=say("Ends that."),
        example="{verb} cleo@riverside.example",
        changes=True,
    ),
    Verb.YES: VerbSpec(
        en=("YES",),
        es=("SÍ",),
        fr=("OUI",),
        de=("JA",),
        does=say("Confirms what we asked you."),
        example="{verb}",
        changes=True,
        about_one=True,
        meant=("ok", "okay", "yep", "yeah", "confirm", "confirmed", "correct", "agreed", "stimmt", "d'accord", "vale"),
    ),
    Verb.PLAIN: VerbSpec(
        en=("PLAIN",),
        es=("ORDINARIO", "NORMAL"),
        fr=("ORDINAIRE", "NORMAL"),
        de=("GEWÖHNLICH", "NORMAL", "UNVERSCHLÜSSELT"),
        does=say("In reply to our question whether a mail was meant to be secure: it was not, send it on."),
        example="{verb}",
        changes=True,
        about_one=True,
    ),
    Verb.HELP: VerbSpec(
        en=("HELP",),
        es=("AYUDA",),
        fr=("AIDE",),
        de=("HILFE",),
        does=say("Sends this list."),
        example="{verb}",
        meant=("info", "commands", "manual", "?", "befehle", "commandes", "comandos"),
    ),
}

SPOKEN: Mapping[str, Mapping[Verb, tuple[str, ...]]] = {
    language: {verb: spec.words(language) for verb, spec in VERBS.items()} for language in LANGUAGES
}
"""What people may type for each verb, by language."""

PHRASES: Mapping[str, Verb] = {
    fold(phrase): verb for names in SPOKEN.values() for verb, phrases in names.items() for phrase in phrases
}
"""The same by what is typed, one or two words without case and accents."""

COLLEAGUES: Mapping[Verb, Details] = {verb: spec.details for verb, spec in VERBS.items() if spec.details}
"""The verbs that say everything about a person by themselves."""
