"""Writing outgoing mail out: from a claimed row and its facts to the octets that go onto the wire."""

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.model import Content, Delivery
from gateway.domain.site import Site
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.flow import notices
from gateway.flow.facts import NonDelivery, Opened
from gateway.flow.inbound import stamps
from gateway.flow.inbound.understand import ANSWERED_BY_ANYBODY
from gateway.flow.stored_facts import for_template
from gateway.mail import compose
from gateway.mail.bounds import HEAD_OCTETS
from gateway.mail.headers import header_block
from gateway.ports import ContentStore, Keys, Mail, Renderer

Signer = Callable[[Iterable[bytes], datetime], bytes]
"""From a mail that we write, whose header lies whole in its first chunk, and its date to the fields that sign it."""
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
class PreparedDelivery:
    """A claimed delivery with all that is needed to write it out, outside of any transaction."""

    delivery: Delivery
    content: Content | None = None
    data_key: bytes = b""
    answer: Answer | None = None
    addressed: bytes = b""
    """The field that belongs before the content."""

    @property
    def at_hand(self) -> bool:
        """Whether it can be written out by reading nothing but rows; what goes as it is is read when it is sent."""
        as_it_is = self.delivery.kind in (DeliveryKind.PASS, DeliveryKind.RELAY)
        return self.content is None or self.content.inline is not None or as_it_is


def together(prepared_deliveries: Iterable[PreparedDelivery]) -> list[list[PreparedDelivery]]:
    """The parcels that can travel in one transaction: the same mail that passes, from the same sender, by the same hop.

    Whatever speaks for us has an envelope sender of its own, so that its bounce is known: it travels alone.
    """
    groups: dict[tuple[str, ...], list[PreparedDelivery]] = {}
    for prepared in prepared_deliveries:
        one = prepared.delivery
        alike = (one.content_id, one.mail_from) if one.kind is DeliveryKind.PASS else (str(one.id),)
        groups.setdefault((one.hop, *alike), []).append(prepared)
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
    signer: Signer | None = None
    """Signs what we write ourselves, and never what passes."""

    def mail(self, prepared_deliveries: Sequence[PreparedDelivery]) -> Mail:
        """The mail in which these parcels travel together. Raises as `octets`; so does reading its chunks."""
        first = prepared_deliveries[0]
        size, chunks = self._body(first)
        recipients = tuple(prepared.delivery.recipient for prepared in prepared_deliveries)
        return Mail(self.envelope_sender(first.delivery), recipients, size, chunks)

    def head(self, prepared: PreparedDelivery) -> bytes:
        """The header of a mail, up to 1 MiB of it: what a failure report shows. Raises as `octets`."""
        return header_block(_first(self._body(prepared)[1](), HEAD_OCTETS))

    def envelope_sender(self, delivery: Delivery) -> str:
        """Mail that passes keeps its own; all else comes back to us; a report to nobody (RFC 5321 §4.5.5)."""
        match delivery.kind:
            case DeliveryKind.PASS:
                return delivery.mail_from
            case DeliveryKind.REPORT | DeliveryKind.DISPOSITION:  # RFC 8098 §3
                return ""
            case _:
                return f"bounce+{self.keys.token(Purpose.BOUNCE, delivery.id)}@{self.site.domain}"

    def octets(self, prepared: PreparedDelivery) -> bytes:
        """The mail as it goes onto the wire. Raises WrongKey, KeyError, and whatever a site's template may raise."""
        return b"".join(self._body(prepared)[1]())

    def _body(self, prepared: PreparedDelivery) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """How many octets there are under DATA, and how to get at them."""
        match prepared.delivery.kind:
            case DeliveryKind.PASS | DeliveryKind.RELAY:
                content = self._content_of(prepared)
                before = [prepared.addressed] if prepared.addressed else []
                size = len(prepared.addressed) + content.size
                return size, lambda: itertools.chain(before, self._chunks(prepared))
            case DeliveryKind.NOTICE:
                octets = compose.composed(self._notice(prepared.delivery))
            case DeliveryKind.REPORT:
                octets = self._report(prepared.delivery)
            case DeliveryKind.DISPOSITION:
                octets = self._disposition(prepared.delivery)
            case DeliveryKind.REPLY:
                return self._signed(prepared, *self._reply(prepared))
            case DeliveryKind.RETURN:
                return self._signed(prepared, *self._return(prepared))
        octets = self._stamp(self.message_id(prepared.delivery)) + octets
        return self._signed(prepared, len(octets), lambda: iter((octets,)))

    def _signed(
        self, prepared: PreparedDelivery, size: int, chunks: Callable[[], Iterator[bytes]]
    ) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """What we have written, under our signatures; dated as the mail itself, so that it stays the same mail."""
        if self.signer is None:
            return size, chunks
        fields = self.signer(chunks(), prepared.delivery.created_at)
        return len(fields) + size, lambda: itertools.chain((fields,), chunks())

    def _stamp(self, message_id: str) -> bytes:
        """What our mail server knows our mail by, if the site has such a thing."""
        return stamps.field(self.site, self.keys, message_id).encode()

    def message_id(self, delivery: Delivery) -> str:
        """The delivery's own Message-ID: the same however often it is sent."""
        return message_id(self.keys, self.site, delivery.id)

    def _content_of(self, prepared: PreparedDelivery) -> Content:
        if prepared.content is None:
            raise KeyError(prepared.delivery.id)
        return prepared.content

    def _chunks(self, prepared: PreparedDelivery) -> Iterator[bytes]:
        content = self._content_of(prepared)
        return self.content.chunks(content.id, content.inline, prepared.data_key)

    def _return(self, prepared: PreparedDelivery) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """A notice, and behind it the whole mail of which it speaks."""
        before, after = compose.enclosing(self._notice(prepared.delivery))
        size = len(before) + self._content_of(prepared).size + len(after)
        return size, lambda: itertools.chain((before,), self._chunks(prepared), (after,))

    def _notice(self, delivery: Delivery) -> compose.ComposedNotice:
        queued = notices.unseal(self.keys, delivery)
        reply_to = self._reply_to(queued)
        facts = {
            **for_template(self.keys, queued.facts),
            "practice": queued.practice,
            "instead_of": queued.instead_of,
            "to_postmaster": queued.to_postmaster,
            "to_name": queued.to_name,
            "to": delivery.recipient,
            "speaks_for": queued.speaks_for,
            "reply_to": reply_to,
        }
        rendered = self.renderer.mail(queued.notice, queued.audience, queued.language, facts)
        return compose.ComposedNotice(
            sender_name=f"{queued.speaks_for} via {self.site.name}" if queued.speaks_for else self.site.name,
            sender=self.site.bot,
            to_name=queued.to_name,
            to=delivery.recipient,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=self.message_id(delivery),
            date=delivery.created_at,
            language=queued.language,
            headers=_headers(queued, reply_to),
        )

    def _reply_to(self, queued: notices.QueuedNotice) -> str:
        if not queued.reply:
            return ""
        box = "reply" if queued.reply.purpose in ANSWERED_BY_ANYBODY else "bot"
        return f"{box}+{for_template(self.keys, queued.reply)}@{self.site.domain}"

    def _reply(self, prepared: PreparedDelivery) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """The body and MIME fields as they were written in the portal, under the header of a mail from us."""
        answer = prepared.answer
        if answer is None:
            raise KeyError(prepared.delivery.id)
        token = self.keys.token(Purpose.REPLY, answer.message_id)
        name = compose.display_name(f"{answer.author} via {self.site.name}")
        fields = [
            ("From", f"{name} <{self.site.bot}>"),
            ("To", prepared.delivery.recipient),
            ("Reply-To", f"reply+{token}@{self.site.domain}"),
            ("Subject", answer.subject),
            ("Date", compose.date(prepared.delivery.created_at)),
            ("Message-ID", answer.header_id),
            *((name, answer.in_reply_to) for name in ("In-Reply-To", "References") if answer.in_reply_to),
            ("X-Gateway-Audience", Audience.SENDER.value),
            ("X-Gateway-Notice", Notice.REPLY.value),
        ]
        written = _first(self._chunks(prepared), HEAD_OCTETS)
        first = self._stamp(answer.header_id) + compose.reheaded(written, fields)
        size = self._content_of(prepared).size - len(written) + len(first)
        return size, lambda: itertools.chain((first,), _after(self._chunks(prepared), len(written)))

    def _report(self, delivery: Delivery) -> bytes:
        facts = notices.unseal(self.keys, delivery).facts
        assert isinstance(facts, NonDelivery)  # noqa: S101 - what a report is written from
        return compose.report(
            site=self.site.domain,
            postmaster=f"postmaster@{self.site.domain}",
            to=delivery.recipient,
            recipient=facts.recipient,
            status=facts.status,
            reply=facts.reply,
            original_head=base64.b64decode(facts.head),
            message_id=self.message_id(delivery),
            date=delivery.created_at,
            arrived=delivery.created_at,
        )

    def _disposition(self, delivery: Delivery) -> bytes:
        facts = notices.unseal(self.keys, delivery).facts
        assert isinstance(facts, Opened)  # noqa: S101 - what a read receipt is written from
        return compose.disposition(
            site=self.site.domain,
            sender=compose.display_name(f"{facts.name} via {self.site.name}"),
            bot=self.site.bot,
            to=delivery.recipient,
            reader=facts.reader,
            header_id=facts.header_id,
            message_id=self.message_id(delivery),
            date=delivery.created_at,
        )


def message_id(keys: Keys, site: Site, number: int) -> str:
    """The Message-ID of the delivery of this number, where the gateway has written it itself."""
    mac = keys.digest("message-id", str(number).encode()).hex()[:24]
    return f"<{number}.{mac}@{site.domain}>"


def _headers(queued: notices.QueuedNotice, reply_to: str) -> tuple[tuple[str, str], ...]:
    is_answer = bool(queued.answers) or queued.notice is Notice.NOBODY_READS
    # Bounces and absence notes of those whom we invite are wanted; but nothing automatic answers an answer.
    suppresses_all = queued.audience is Audience.SENDER or queued.notice is Notice.NOBODY_READS
    optional = (
        ("Reply-To", reply_to),
        ("In-Reply-To", queued.answers),
        ("References", queued.answers),
    )
    return (
        *((name, value) for name, value in optional if value),
        ("Auto-Submitted", "auto-replied" if is_answer else "auto-generated"),  # RFC 3834 §5
        ("X-Auto-Response-Suppress", "All" if suppresses_all else "DR, RN, NRN"),
        ("X-Gateway-Audience", queued.audience.value),
        ("X-Gateway-Notice", queued.notice.value),
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
