"""Writing outgoing mail out: from a claimed row and its facts to the octets that go onto the wire."""

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.domain.model import Content, Delivery
from gateway.domain.site import Site
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.flow import notices
from gateway.flow.understand import ANSWERED_BY_ANYBODY
from gateway.mail import compose
from gateway.mail.bounds import HEAD_OCTETS
from gateway.mail.headers import header_block
from gateway.ports import ContentStore, Keys, Mail, Renderer

MOST_TOGETHER = 100
"""Recipients in one transaction: what every hop must take (RFC 5321 §4.5.3.1.8)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer from the portal leaves with: the author, the mail that it answers, its own subject."""

    author: str
    subject: str
    header_id: str
    in_reply_to: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery with all that is needed to write it out, outside of any transaction."""

    delivery: Delivery
    content: Content | None = None
    data_key: bytes = b""
    answer: Answer | None = None
    addressed: bytes = b""
    """The field that belongs before the content."""

    @property
    def at_hand(self) -> bool:
        """Whether it can be written out without reading a file; what goes as it is is read only when it is sent."""
        as_it_is = self.delivery.kind in (DeliveryKind.PASS, DeliveryKind.RELAY)
        return self.content is None or self.content.inline is not None or as_it_is


def together(parcels: Iterable[Parcel]) -> list[list[Parcel]]:
    """The parcels that can travel in one transaction: the same mail that passes, from the same sender, by the same hop.

    Whatever speaks for us has an envelope sender of its own, so that its bounce is known: it travels alone.
    """
    groups: dict[tuple[str, ...], list[Parcel]] = {}
    for parcel in parcels:
        one = parcel.delivery
        alike = (one.content_id, one.mail_from) if one.kind is DeliveryKind.PASS else (str(one.id),)
        groups.setdefault((one.hop, *alike), []).append(parcel)
    return [
        group[start : start + MOST_TOGETHER]
        for group in groups.values()
        for start in range(0, len(group), MOST_TOGETHER)
    ]


@dataclass(frozen=True, slots=True)
class Writer:
    """Turns parcels into mail, outside of transactions."""

    site: Site
    keys: Keys
    content: ContentStore
    renderer: Renderer

    def mail(self, parcels: Sequence[Parcel]) -> Mail:
        """The mail in which these parcels travel together. Raises as `octets`; so does reading its chunks."""
        first = parcels[0]
        size, chunks = self._body(first)
        recipients = tuple(parcel.delivery.recipient for parcel in parcels)
        return Mail(self.envelope_sender(first.delivery), recipients, size, chunks)

    def head(self, parcel: Parcel) -> bytes:
        """The header of a mail, up to 1 MiB of it: what a failure report shows. Raises as `octets`."""
        return header_block(_first(self._body(parcel)[1](), HEAD_OCTETS))

    def envelope_sender(self, delivery: Delivery) -> str:
        """Mail that passes keeps its own; all else comes back to us; a report to nobody (RFC 5321 §4.5.5)."""
        match delivery.kind:
            case DeliveryKind.PASS:
                return delivery.mail_from
            case DeliveryKind.REPORT | DeliveryKind.DISPOSITION:  # RFC 8098 §3
                return ""
            case _:
                return f"bounce+{self.keys.token(Purpose.BOUNCE, delivery.id)}@{self.site.domain}"

    def octets(self, parcel: Parcel) -> bytes:
        """The mail as it goes onto the wire. Raises WrongKey, KeyError, and whatever a site's template may raise."""
        return b"".join(self._body(parcel)[1]())

    def _body(self, parcel: Parcel) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """How many octets there are under DATA, and how to get at them."""
        match parcel.delivery.kind:
            case DeliveryKind.PASS | DeliveryKind.RELAY:
                content = self._content_of(parcel)
                before = [parcel.addressed] if parcel.addressed else []
                size = len(parcel.addressed) + content.size
                return size, lambda: itertools.chain(before, self._chunks(parcel))
            case DeliveryKind.NOTICE:
                octets = self._notice(parcel.delivery)
            case DeliveryKind.REPORT:
                octets = self._report(parcel.delivery)
            case DeliveryKind.DISPOSITION:
                octets = self._disposition(parcel.delivery)
            case DeliveryKind.REPLY:
                return self._reply(parcel)
        return len(octets), lambda: iter((octets,))

    def message_id(self, delivery: Delivery) -> str:
        """The delivery's own Message-ID: the same however often it is sent."""
        mac = self.keys.digest("message-id", str(delivery.id).encode()).hex()[:24]
        return f"<{delivery.id}.{mac}@{self.site.domain}>"

    def _content_of(self, parcel: Parcel) -> Content:
        if parcel.content is None:
            raise KeyError(parcel.delivery.id)
        return parcel.content

    def _chunks(self, parcel: Parcel) -> Iterator[bytes]:
        content = self._content_of(parcel)
        return self.content.chunks(content.id, content.inline, parcel.data_key)

    def _notice(self, delivery: Delivery) -> bytes:
        letter = notices.unseal(self.keys, delivery)
        reply_to = self._reply_to(letter)
        facts = {
            **notices.resolve(self.keys, letter.facts),
            "to_name": letter.to_name,
            "to": delivery.recipient,
            "speaks_for": letter.speaks_for,
            "reply_to": reply_to,
        }
        rendered = self.renderer.mail(letter.notice, letter.audience, letter.language, facts)
        return compose.letter(
            compose.Letter(
                sender_name=f"{letter.speaks_for} via {self.site.name}" if letter.speaks_for else self.site.name,
                sender=self.site.bot,
                to_name=letter.to_name,
                to=delivery.recipient,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                message_id=self.message_id(delivery),
                date=delivery.created_at,
                language=letter.language,
                headers=_headers(letter, reply_to),
            )
        )

    def _reply_to(self, letter: notices.Letter) -> str:
        if not letter.reply:
            return ""
        box = "reply" if letter.reply[0] in ANSWERED_BY_ANYBODY else "bot"
        return f"{box}+{notices.resolve(self.keys, {'$token': letter.reply})}@{self.site.domain}"

    def _reply(self, parcel: Parcel) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """The body and MIME fields as they were written in the portal, under the header of a mail from us."""
        answer = parcel.answer
        if answer is None:
            raise KeyError(parcel.delivery.id)
        token = self.keys.token(Purpose.REPLY, answer.message_id)
        name = compose.display_name(f"{answer.author} via {self.site.name}")
        fields = [
            ("From", f"{name} <{self.site.bot}>"),
            ("To", parcel.delivery.recipient),
            ("Reply-To", f"reply+{token}@{self.site.domain}"),
            ("Subject", answer.subject),
            ("Date", compose.date(parcel.delivery.created_at)),
            ("Message-ID", answer.header_id),
            *((name, answer.in_reply_to) for name in ("In-Reply-To", "References") if answer.in_reply_to),
            ("X-Gateway-Audience", Audience.SENDER.value),
            ("X-Gateway-Notice", Notice.REPLY.value),
        ]
        written = _first(self._chunks(parcel), HEAD_OCTETS)
        first = compose.reheaded(written, fields)
        size = self._content_of(parcel).size - len(written) + len(first)
        return size, lambda: itertools.chain((first,), _after(self._chunks(parcel), len(written)))

    def _report(self, delivery: Delivery) -> bytes:
        letter = notices.unseal(self.keys, delivery)
        facts = letter.facts
        return compose.report(
            site=self.site.domain,
            postmaster=f"postmaster@{self.site.domain}",
            to=delivery.recipient,
            recipient=facts["recipient"],
            status=facts["status"],
            reply=facts["reply"],
            original_head=base64.b64decode(facts["head"]),
            message_id=self.message_id(delivery),
            date=delivery.created_at,
            arrived=delivery.created_at,
        )

    def _disposition(self, delivery: Delivery) -> bytes:
        letter = notices.unseal(self.keys, delivery)
        return compose.disposition(
            site=self.site.domain,
            sender=compose.display_name(f"{letter.facts['name']} via {self.site.name}"),
            bot=self.site.bot,
            to=delivery.recipient,
            reader=letter.facts["reader"],
            header_id=letter.facts["header_id"],
            message_id=self.message_id(delivery),
            date=delivery.created_at,
        )


def _headers(letter: notices.Letter, reply_to: str) -> tuple[tuple[str, str], ...]:
    is_answer = bool(letter.answers) or letter.notice is Notice.NOBODY_READS
    # Bounces and absence notes of those whom we invite are wanted; but nothing automatic answers an answer.
    suppresses_all = letter.audience is Audience.SENDER or letter.notice is Notice.NOBODY_READS
    optional = (
        ("Reply-To", reply_to),
        ("In-Reply-To", letter.answers),
        ("References", letter.answers),
    )
    return (
        *((name, value) for name, value in optional if value),
        ("Auto-Submitted", "auto-replied" if is_answer else "auto-generated"),  # RFC 3834 §5
        ("X-Auto-Response-Suppress", "All" if suppresses_all else "DR, RN, NRN"),
        ("X-Gateway-Audience", letter.audience.value),
        ("X-Gateway-Notice", letter.notice.value),
    )


def _first(chunks: Iterable[bytes], enough: int) -> bytes:
    """Whole chunks from the start on, until the header is among them, or there is enough."""
    octets = b""
    for chunk in chunks:
        octets += chunk
        if b"\r\n\r\n" in octets or len(octets) >= enough:
            break
    return octets


def _after(chunks: Iterable[bytes], skip: int) -> Iterator[bytes]:
    """The chunks that lie behind the first octets; `skip` ends where a chunk does."""
    for chunk in chunks:
        if skip <= 0:
            yield chunk
        skip -= len(chunk)
