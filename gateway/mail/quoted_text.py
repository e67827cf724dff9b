"""Where what was answered begins, in plain text, in any language.

Rules look at the shape of lines more than at their words: a line that ends in a colon and holds a date and an address
introduces a quote whatever the language. A rule may well end the typed text too early: commands stand on top.
"""

import re
from collections.abc import Callable, Sequence

LOOK_AHEAD = 5
_LONGEST = 400
_LONGEST_ATTRIBUTION = 4  # lines

_WROTE = re.compile(
    r"wrote|writes|schrieb|geschrieben|a écrit|écrit|escribió|escribi|ha scritto|scritto|scrive|escreveu|schreef|"
    r"geschreven|skrev|skrifaði|kirjoitti|napisał|pisze|napsal|píše|napísal|написал|пишет|написав|пише|írta|yazdı|"
    r"a scris|написа|έγραψε|napisao|napisala|je napisal|rašė|rakstīja|kirjutas|va escriure|escribiu|idatzi|"
    r"menulis|đã viết|เขียน|लिखा|כתב|كتب|写道|寫道|写到|のメール|書きました|작성|썼습니다",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"(?:on|am|le|el|il|em|op|den|på|dnia|w dniu|dne|a|il giorno|pe|στις|в|кому|于|在|el día|o dia|no dia|"
    r"(?:mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|seg|ter|qua|qui|sex|pon|wt|śr|czw|pt|пн|вт|ср)"
    r"\w*[.,]?|\d{1,4}\D.*)\s",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s@<>:]{1,64}@[^\s@<>]{1,255}")
_DAY = re.compile(r"\b(?:19|20)\d\d\b|\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d{4}\s?[年년]|\d{1,2}\s?[月월]")
_HOUR = re.compile(r"\b\d{1,2}\s?[:.h]\s?\d{2}\b")

_LABELS = {
    "from": "from|von|de|da|van|från|fra|od|lähettäjä|feladó|от|від|gönderen|kimden|expéditeur|afzender|remitente|"
    "remetente|mittente|absender|nadawca|odesílatel|odosielateľ|de la|expeditor|από|מאת|من|发件人|寄件者|"
    "寄件人|發件人|差出人|"
    "보낸 사람|보낸사람|จาก|từ|dari|frá",
    "sent": "sent|date|gesendet|datum|envoyé|envoyé le|date d'envoi|enviado|enviado el|enviada em|enviado em|fecha|"
    "data|inviato|verzonden|skickat|skickades|sendt|dato|lähetetty|päivämäärä|päiväys|wysłano|wysłane|odesláno|"
    "odoslané|elküldve|dátum|отправлено|дата|надіслано|gönderildi|gönderilme tarihi|tarih|trimis|trimis la|στάλθηκε|"
    "ημερομηνία|נשלח|תאריך|التاريخ|تاريخ الإرسال|"
    "发送时间|日期|发送日期|時間|寄件日期|送信日時|"
    "送信日|日付|日時|보낸 날짜|날짜|보낸날짜|ngày|sent on",
    "to": "to|an|à|a|para|naar|aan|till|til|do|komu|vastaanottaja|címzett|кому|до|kime|alıcı|către|προς|אל|إلى|"
    "收件人|收件者|宛先|받는 사람|받는사람|đến|kepada|pour|destinataire|empfänger|"
    "destinatario|cc|kopie|copie|kopia|copia|抄送|副本",
    "subject": "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|"
    "předmet|predmet|tárgy|"
    "тема|konu|subiect|subiectul|θέμα|נושא|الموضوع|主题|主旨|件名|제목|chủ đề|subjek|efni|re|sujet",
}
_LABELLED = re.compile(
    r"[\s*_>|•]*(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items()) + r")[\s*_]*[:：]",
    re.IGNORECASE,
)
_DIVIDED = re.compile(r"(?:[-‐‑–—―_=*~+]{6,}+|[-‐‑–—―_=*~+]{3,}+[^-‐‑–—―_=*~]{1,82}?[-‐‑–—―_=*~+]{3,}+)(?:\s*+:?)")
_FORWARDED = re.compile(
    r"\W*(?:begin forwarded message|(?:original|forwarded) message|ursprüngliche nachricht|anfang der weitergeleiteten"
    r" nachricht|weitergeleitete nachricht|message d'origine|début du message (?:réexpédié|transféré)|"
    r"message transféré|"
    r"mensaje original|mensaje reenviado|inicio del mensaje reenviado|messaggio originale|inizio messaggio inoltrato|"
    r"mensagem original|início da mensagem reencaminhada|mensagem encaminhada|oorspronkelijk bericht|"
    r"begin doorgestuurd bericht|doorgestuurd bericht|ursprungligt meddelande|vidarebefordrat meddelande|"
    r"oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|"
    r"původní zpráva|исходное сообщение|пересылаемое сообщение|"
    r"元のメッセージ|原始邮件|原始郵件|转发邮件|원본 메시지)\W*",
    re.IGNORECASE,
)

Rule = Callable[[str, Sequence[str]], bool]
"""Whether what was answered begins at this line, given it and the lines right after it."""


def is_marked(line: str) -> bool:
    """Whether a line bears the mark of a quote."""
    return line.startswith((">", "|", "＞"))


def _marked(line: str, _after: Sequence[str]) -> bool:
    return is_marked(line)


def _attribution(line: str, after: Sequence[str]) -> bool:
    """`On … wrote:` and its like, which clients wrap over a few lines."""
    if _introduces(line):
        return True
    if not _OPENER.match(f"{line} "):
        return False
    together = (" ".join([line, *after[:count]]) for count in range(1, _LONGEST_ATTRIBUTION))
    return any(map(_introduces, together))


def _introduces(line: str) -> bool:
    bare = line.rstrip(" *_-‐–—")
    closed = bare.endswith((":", "：", "︰")) or len(bare) < len(line.rstrip(" *_")) - 2  # Zoho ends in dashes
    if not closed or len(line) > _LONGEST:
        return False
    day, address = _DAY.search(line), _ADDRESS.search(line)
    wrote = _WROTE.search(line)
    return bool((wrote and (day or address or _OPENER.match(line))) or (day and (address or _HOUR.search(line))))


def _header_block(line: str, after: Sequence[str]) -> bool:
    """`From:` with `Sent:` or its like soon after: how Outlook and its kin begin what is answered."""
    first = _LABELLED.match(line)
    others = filter(None, map(_LABELLED.match, after))
    return bool(first) and any(other.lastgroup != first.lastgroup for other in others if first)


def _divider(line: str, _after: Sequence[str]) -> bool:
    """`-----Original Message-----` in any language, or a line that is drawn."""
    return bool(_DIVIDED.fullmatch(line[:120]) or _FORWARDED.fullmatch(line[:120]))


def stands_alone(lines: Sequence[str]) -> bool:
    """Whether a whole quote begins with these lines: an attribution that names no day may lack the line above it."""
    if not lines or not begins_quote(lines[0], lines[1:]):
        return False
    attribution = _attribution(lines[0], lines[1 : 1 + LOOK_AHEAD])
    return not attribution or any(map(_DAY.search, lines[:_LONGEST_ATTRIBUTION]))


RULES: tuple[Rule, ...] = (_marked, _attribution, _header_block, _divider)


def begins_quote(line: str, after: Sequence[str]) -> bool:
    """Whether what was answered begins at this line; `after` are the lines that follow, without blank ones."""
    return any(rule(line, after[:LOOK_AHEAD]) for rule in RULES)
