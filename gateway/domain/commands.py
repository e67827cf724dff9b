"""What a sender may tell the gateway, one typed line to one command.

::

    [address] VERB [address] [arguments]
    INVITE [address] [PATIENT birthdate | CLINICIAN | STAFF | COLLEAGUE]
    [address] MOVE address
    [address] RECALL [address] [: reason]

A line is a command only if all of it was understood: prose that begins with a verb is none. What is read back to the
sender never holds a birthdate, nor what was typed in its place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from unicodedata import normalize

from gateway.domain.address import Address, address
from gateway.domain.birthdate import LONGEST, Doubt, Order, fold, month_named, read_birthdate, tidy
from gateway.domain.echo import BLANK, DECORATION, LONGEST_LINE, echo
from gateway.domain.verbs import COLLEAGUES, PHRASES, SPOKEN, VERBS, Takes, Verb
from gateway.domain.vocabulary import Details, Relationship
from gateway.domain.words import COURTESIES, RECEIVED, THANKS
from gateway.errors import BadAddress

LONGEST_DATE = 7  # words, as in: Tuesday the 3rd of February in 1980
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Command:
    """A line that was understood; `text` may be read back.

    `doubt` says why a birthdate could not be told. PATIENT has either `details` or `doubt`; INVITE may have neither.
    `language` is the one in which the verb was typed; "" if it is English, which all may use, or one of several.
    `order` is the one that told what a birthdate means, where it could have been two dates.
    """

    verb: Verb
    person: Address | None = None
    details: Details | None = None
    doubt: Doubt | None = None
    text: str = ""
    to: Address | None = None
    """Where MOVE moves the person's mail; None if nothing was said."""
    reason: str = ""
    """Why RECALL takes a message back, for its reader."""
    language: str = ""
    order: Order = Order.UNSET

    @property
    def changes(self) -> bool:
        """Whether it changes something; DELEGATE without an address only tells."""
        return VERBS[self.verb].changes and (
            self.person is not None or self.verb not in (Verb.DELEGATE, Verb.UNDELEGATE)
        )


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that is no command; `text` may be read back."""

    text: str


def parse(line: str, today: date, order: Order = Order.UNSET) -> Command | Unknown:
    """Read one typed line; `today` is the site's local date, `order` the one in which the practice writes dates."""
    if len(line) > LONGEST_LINE:
        return Unknown(echo(line))
    words = tidy(line).strip(DECORATION).split()
    verb, arguments = _split(_without_courtesy([word for word in words if "@" not in word]))
    if verb is not Verb.YES:
        arguments = _without_thanks(arguments)
    try:
        people = _people([word for word in words if "@" in word])
        if command := _of_its_own_kind(verb, people, arguments, words, line):
            return command
        if len({person.key for person in people}) > 1:
            raise BadAddress("a command speaks of one person")
    except BadAddress:
        return Unknown(echo(line))
    person = people[0] if people else None
    kind, typed = _split(arguments) if verb and VERBS[verb].takes is Takes.DETAILS else (verb, arguments)
    answer, order = _ordered(kind, typed, today, order)
    if answer is Doubt.UNREADABLE and not _like_a_date(typed):
        answer = None  # "Patient is fine, thanks" is prose
    if verb is None or (arguments and answer is None):
        return Unknown(echo(line))
    language = _language_of(" ".join(words), verb)
    said = (verb, kind, person, language)
    if isinstance(answer, Doubt):
        text = _read_back(*said, born=BLANK if typed else "")
        return Command(verb, person, doubt=answer, text=text, language=language)
    text = _read_back(*said, born=RECEIVED[language or "en"] if kind is Verb.PATIENT else "")
    return Command(verb, person, details=answer, text=text, language=language, order=order)


def made(
    verb: Verb,
    person: Address,
    *,
    details: Details | None = None,
    to: Address | None = None,
    reason: str = "",
) -> Command:
    """The command that a button or a form stands for, about this person."""
    kind, reason = None if verb is Verb.INVITE else verb, _printable(reason)
    read_back = [_read_back(verb, kind, person, "", born=RECEIVED["en"] if details and details.birthdate else "")]
    text = " ".join([*read_back, *([to.typed] if to else [])]) + (f": {echo(reason)}" if reason else "")
    return Command(verb, person, details=details, text=text, to=to, reason=reason)


def listed(line: str, today: date, order: Order = Order.UNSET) -> Command | None:
    """A line of a list of patients: an address, and behind or before it nothing but a birthdate."""
    words = tidy(line).strip(DECORATION).split()
    people = [word for word in words if "@" in word]
    rest = [bare for word in words if "@" not in word and (bare := word.strip(_EMPHASIS))]
    dated = 0 < len(rest) <= 3 and all(any(map(str.isnumeric, word)) or month_named(word) for word in rest)
    if len(people) != 1 or not dated:
        return None
    read = parse(f"{people[0]} {Verb.PATIENT} {' '.join(rest)}", today, order)
    return read if isinstance(read, Command) else None


def is_command(line: str) -> bool:
    """Whether a line is one of ours, whatever the day."""
    return isinstance(parse(line, date.max), Command)


def completes(line: str, before: str) -> bool:
    """Whether a line is the birthdate, or the rest of one, for which the PATIENT before it still waits."""
    if not _lacks_date(parse(before, date.max)):
        return False
    whole = parse(f"{before} {line}", date.max)
    return isinstance(whole, Command) and not _lacks_date(whole)


def _lacks_date(said: Command | Unknown) -> bool:
    return isinstance(said, Command) and said.doubt in (Doubt.MISSING, Doubt.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was typed, and what it says."""

    typed: str
    said: Command | Unknown

    @property
    def command(self) -> Command | None:
        return self.said if isinstance(self.said, Command) else None


def read(lines: Sequence[str], today: date, order: Order = Order.UNSET) -> tuple[Line, ...]:
    """Read typed lines, once for all who ask what they say."""
    return tuple(Line(line, parse(line, today, order)) for line in joined(lines))


def joined(lines: Sequence[str]) -> list[str]:
    """The lines, with a birthdate that was wrapped onto the next line behind its PATIENT again."""
    whole: list[str] = []
    for line in lines:
        if whole and completes(line, whole[-1]):
            whole[-1] += " " + line
        else:
            whole.append(line)
    return whole


def read_details(text: str, today: date, order: Order = Order.UNSET) -> Details | Doubt | None:
    """Read what stands inside a subject tag: `patient 1980-02-03`, `clinician`; None if that says no relationship."""
    verb, arguments = _split(tidy(text))
    return _ordered(verb, arguments, today, order)[0]


def says_who(text: str) -> bool:
    """Whether a text begins by saying what somebody is to its writer, however it goes on."""
    verb, _ = _split(tidy(text[:LONGEST]))
    return verb is Verb.PATIENT or verb in COLLEAGUES


def _ordered(verb: Verb | None, arguments: str, today: date, order: Order) -> tuple[Details | Doubt | None, Order]:
    """The answer, and the order if that was needed to tell which date it names."""
    answer = _answer(verb, arguments, today, Order.UNSET)
    if answer is Doubt.AMBIGUOUS and order:
        return _answer(verb, arguments, today, order), order
    return answer, Order.UNSET


def _answer(verb: Verb | None, arguments: str, today: date, order: Order) -> Details | Doubt | None:
    """What the words say of a person's relationship to the sender, if they say anything."""
    if verb is Verb.PATIENT:
        born = read_birthdate(arguments, today, order)
        return born if isinstance(born, Doubt) else Details(Relationship.PATIENT, birthdate=born)
    return None if verb is None or arguments else COLLEAGUES.get(verb)


def _of_its_own_kind(
    verb: Verb | None, people: list[Address], arguments: str, words: list[str], line: str
) -> Command | Unknown | None:
    """MOVE and RECALL, whose arguments are no relationship. Raises BadAddress."""
    takes = VERBS[verb].takes if verb else Takes.NOTHING
    if takes is Takes.ADDRESS:
        return _move(people, named_first="@" in words[0]) if not arguments else Unknown(echo(line))
    if takes is Takes.REASON and len({person.key for person in people}) < 2:
        return _recall(line, next(iter(people), None), arguments, " ".join(words))
    return None


def _move(people: list[Address], *, named_first: bool) -> Command:
    """MOVE: `named_first` if an address stands before the verb. Raises BadAddress for more than one on either side."""
    who, to = (people[:1], people[1:]) if named_first else (people[:-1], people[-1:])
    if len(who) > 1 or len(to) > 1:
        raise BadAddress("MOVE speaks of one person and their new address")
    text = " ".join([*(one.typed for one in who), Verb.MOVE, *(one.typed for one in to)])
    return Command(Verb.MOVE, next(iter(who), None), text=text, to=next(iter(to), None))


def _recall(line: str, person: Address | None, reason: str, words: str) -> Command | Unknown:
    """RECALL: a reason stands behind a colon or an address. Prose that begins with "Recall" must take nothing back."""
    if reason and person is None and ":" not in line:
        return Unknown(echo(line))
    language = _language_of(words, Verb.RECALL)
    shown = _printable(reason).strip(_EMPHASIS)
    who = [person.typed] if person else []
    text = " ".join([*who, SPOKEN[language or "en"][Verb.RECALL][0]]) + (f": {echo(shown)}" if shown else "")
    return Command(Verb.RECALL, person, text=text, reason=shown, language=language)


def _printable(reason: str) -> str:
    """A reason as its reader may be shown it: on one line, without what turns or hides its letters."""
    return "".join(filter(str.isprintable, " ".join(reason.split())))[:LONGEST_REASON].strip()


def in_words(details: Details) -> str:
    """Details in the words of a command. Holds a birthdate: only to be kept sealed."""
    if details.birthdate:
        return f"{Verb.PATIENT} {details.birthdate.isoformat()}"
    return next(verb for verb, those in COLLEAGUES.items() if those == details)


def _people(words: list[str]) -> list[Address]:
    """The people whom the addresses name. Raises BadAddress for what is no address."""
    found = ((word, _ADDRESS.fullmatch(word.strip(DECORATION))) for word in words)
    return [address(match[1] if match else word) for word, match in found]


def _without_courtesy(words: list[str]) -> str:
    bare = [word.strip(DECORATION).casefold() for word in words]
    for count in (3, 2, 1):
        if " ".join(bare[:count]) in COURTESIES:
            words, bare = words[count:], bare[count:]
        if bare and " ".join(bare[-count:]) in COURTESIES:
            words, bare = words[:-count], bare[:-count]
    return " ".join(words)


def _without_thanks(arguments: str) -> str:
    words = [word.strip(DECORATION).casefold() for word in arguments.split()]
    count = next((count for count in (2, 1) if " ".join(words[-count:]) in THANKS), 0)
    return " ".join(arguments.split()[: len(words) - count]).strip(DECORATION)


def _like_a_date(text: str) -> bool:
    """Whether this may have been meant for a date, so that asking helps: it has a figure, and few words."""
    return any(map(str.isnumeric, text)) and len(text.split()) <= LONGEST_DATE


def _split(text: str) -> tuple[Verb | None, str]:
    """The verb at the start of a text, and what follows it; the longer phrase goes first."""
    words = text.replace(":", " ").strip(_EMPHASIS).split()
    for count in (2, 1):
        phrase = " ".join(word.strip(_EMPHASIS) for word in words[:count])
        if verb := PHRASES.get(fold(normalize("NFKC", phrase[:LONGEST]))):
            return verb, " ".join(words[count:]).strip(_EMPHASIS)
    return None, text


def _language_of(line: str, verb: Verb) -> str:
    """The only language in which the line has the verb, unless that is English; "" for none."""
    typed = {fold(word.strip(DECORATION)) for word in line.replace(":", " ").split()}
    have = [language for language, names in SPOKEN.items() if typed & {fold(name) for name in names.get(verb, ())}]
    return have[0] if len(have) == 1 and have[0] != "en" else ""


def _read_back(verb: Verb, kind: Verb | None, person: Address | None, language: str, *, born: str) -> str:
    """The command in the gateway's own words; `born` stands where a birthdate does."""
    say = SPOKEN[language or "en"]
    who = [person.typed] if person else []
    what = [say[kind][0], *filter(None, [born])] if kind else []
    return " ".join([say[verb][0], *who, *what] if verb is Verb.INVITE else [*who, *what])


_EMPHASIS = DECORATION + "_~#/|[](){}"
"""The same, and more, around what is no address: those may begin with some of these."""
_ADDRESS = re.compile(r"[<\[]?(?:mailto:)?([^<>\[\]()]+?)[>\]]?(?:[<\[(](?:mailto:)?\1[>\])])?", re.IGNORECASE)
"""Bare, in angle brackets, as a link, or as the address and its link that HTML mail becomes in plain text."""
