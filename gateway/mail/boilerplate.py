"""What stands around the words of a mail without being meant by them: banners and greetings above, footers below.

Only what is known is passed over, and no command is, whatever it looks like. Prose that is not known stays, and so ends
the commands before they begin.
"""

import re
from collections.abc import Sequence

from gateway.domain.commands import is_command

WRAPPED = 55
"""A line at least this long, without a full stop, goes on in the next one."""
_MOST_BANNER_LINES = 12

_ALERT = re.compile(
    r"\b(?:caution|warning|external|attention|alert|notice|beware|be careful|stop|important|security|"
    r"achtung|vorsicht|warnung|hinweis|externe?r?|attention|avertissement|externe|mise en garde|prudence|précaution|"
    r"precaución|atención|advertencia|aviso|externo|attenzione|avviso|avvertenza|esterno|esterna|atenção|cuidado|alerta|"
    r"let op|waarschuwing|extern|varning|observera|obs|advarsel|huomio|varoitus|ulkoinen|uwaga|ostrzeżenie|zewnętrzny|"
    r"zewnętrzna|upozornění|pozor|externí|figyelem|külső|atenție|atentie|dikkat|внимание|увага|προσοχή)\b|"
    r"注意|警告|外部|외부|주의|⚠|🛑|❗",
    re.IGNORECASE,
)
_ORIGIN = re.compile(
    r"outside (?:of )?|external(?:ly)?\b|originated|unknown sender|extern|außerhalb|extérieur|fuera de|esterno|"
    r"all'esterno|fora d[aeo]|de buiten|van buiten|utanför|utenfor|udefra|uden for|ulkopuol|spoza|zewnętrzn|mimo |"
    r"külső|dış|din afara|внешн|зовнішн|εκτός|外部|組織外|社外|외부",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"click|links?\b|attachments?|anhäng|anhang|pièces? jointes?|liens?\b|enlaces?|adjuntos?|allegat|colegament|"
    r"anexos?|bijlage|bilag|bifogade|vedlegg|liittei|załącznik|přílo|mellékle|вложени|リンク|添付|链接|附件|첨부|"
    r"content is safe|recogni[sz]e|trust|vertrauen|kennen|phishing|virus",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"\W*(?:ext|external|extern|externe|externo|esterno|external (?:e-?mail|sender|message)|externe e-?mail|"
    r"this message is from an external sender|e-?mail externe|correo externo|externer absender|"
    r"(?:classification|classified|sensitivity|klassifizierung|vertraulichkeit|confidentialité|clasificación)\b.{0,60}|"
    r"official|official[- ]sensitive|internal|internal use only|for internal use only|public|"
    r"intern|interne|interno)\W*",
    re.IGNORECASE,
)
_STRANGER = re.compile(
    r"aka\.ms/LearnAbout|don['’]t often get e?-?mail from|learn why this is important|BannerStart|BannerEnd|"
    r"(?:nicht oft|nicht häufig|selten) E-?Mails? von|pas souvent d['’]e-?mails?|pas souvent de courriers?|"
    r"no suele recibir|con frecuencia correo|non ricev\w{1,10}+ spesso|non si ricevono spesso|niet vaak e-?mail|"
    r"inte ofta e-post|ikke ofte (?:e-mails?|e-post)|não (?:costuma|recebe)\b.{0,80}e-?mails? |nieczęsto otrzymujesz|"
    r"saa usein sähköpostia|erfahren sie, warum dies wichtig|découvrez pourquoi|por qué es(?:to)? (?:es )?importante|"
    r"(?:message|e-?mail) (?:came|comes|originate[sd]|has originated|is|was (?:sent|received)) from (?:an? )?"
    r"(?:outside|external)|^report (?:suspicious|phishing|this (?:message|e-?mail))\W*$|"
    r"has been scanned|was scanned|wurde (?:auf viren )?geprüft|virus-free|virenfrei",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"(?:\[[^\[\]]{0,200}\]|<(?:https?|cid):[^<>]{0,2000}>|[^\w\[<]|_)++")

_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)|moin|"
    r"grüß gott|grüezi|servus|liebe[rs]?|sehr geehrte[rs]?|bonjour|bonsoir|salut|chère?s?|madame|monsieur|hola|"
    r"buen(?:os|as) (?:días|tardes|noches)|buen día|estimad[oa]s?|ciao|buongiorno|buonasera|salve|gentile|"
    r"gentilissim[oaie]|"
    r"ol[áa]|oi|bom dia|boa (?:tarde|noite)|prezad[oa]s?|car[oa]s?|beste|geachte|"
    r"goede(?:morgen|middag|navond|ndag)|dag|"
    r"hej|hei|god (?:morgen|morgon|dag|kväll|aften)|kära|kære|kjære|moi|terve|hyvää päivää|cześć|dzień dobry|witam|"
    r"szanown[iy]\w{0,10}+|dobrý den|ahoj|vážen\w{1,10}+|jó napot|kedves|szia|bună(?: ziua)?|merhaba|sayın|selam|"
    r"здравствуйте|добрый день|привет|уважаем\w{1,10}+|добрий день|вітаю|γεια(?: σας)?|שלום|היי|مرحبا|السلام عليكم)"
    r"(?P<whom>(?:[ ,]+[^\s,.!:;]+\.?){0,4})\s*[,.!:;，、！…–-]*",
    re.IGNORECASE,
)
_EASTERN_GREETING = re.compile(
    r"(?:您好|你好|大家好|お世話になっております|お疲れ様です|こんにちは|"
    r"안녕하세요|안녕하십니까)\W*"
)
_NAMELESS = (
    "all there team everyone everybody folks both again sir madam or and bot colleagues zusammen alle alles team herr "
    "frau damen und herren kollegen kolleginnen à tous toutes et madame monsieur a todos todas equipo señor señora y "
    "tutti team signore signora allemaal iedereen alla alle kaikki wszystkim państwo všem mindenki"
)
_WHOM = frozenset(_NAMELESS.split())

_MARKS = ("--", "—", "__")  # RFC 3676 §4.3; the space at its end is often lost
_SENT = re.compile(
    r"\b(?:sent|gesendet|envoyé|enviad[oa]|inviat[oa]|verzonden|verstuurd|skickat|skickades|sendt|lähetetty|wysłan[eoay]|"
    r"odeslán[oa]?|odoslané|elküldve|küldve|отправлено|надіслано|gönderildi|trimis|στάλθηκε|get|holen|laden|"
    r"téléchargez|télécharger|obtenez|obtener|descarga|obter|obtén|scarica|ottieni|ophalen|download|hämta|hent|pobierz|"
    r"hanki|stáhnout|скачать|kirjoitettu|geschrieben|typed|written|composed)\b|發送|发送|发自|發自|傳送|から送信|보냄|נשלח|أرسلت|أُرسل",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"iphone|ipad|ios\b|outlook|android|galaxy|samsung|yahoo|proton|gmail|blackberry|huawei|xiaomi|pixel|nokia|sony|"
    r"mobile|mobil|handy|smartphone|phone|tablet|windows|mail for|mail app|app\b|aquamail|aqua mail|k-9|fairemail|"
    r"bluemail|tutanota|tuta\b|thunderbird|spark|gmx|web\.de|freenet|mailbird|apple|mac\b|foxmail|网易|手机|携帯|스마트폰",
    re.IGNORECASE,
)


def above(lines: Sequence[str]) -> int:
    """How many lines at the top are banners, pictures, drawn lines and greetings; blank lines ("") are counted."""
    at = 0
    while at < len(lines):
        line = lines[at]
        banner = _is_banner(line)
        if line and (not (banner or is_greeting(line) or _is_drawn(line)) or is_command(line)):
            break
        at = _end_of_banner(lines, at) if banner else at + 1
    return at


def _is_drawn(line: str) -> bool:
    """Whether a line is a rule, or stands for a picture."""
    return len(line) <= 4000 and line not in _MARKS and bool(_PICTURE.fullmatch(line))


def is_greeting(line: str) -> bool:
    """A known greeting, and names or such behind it: words that are capital, or that one greets with."""
    found = _GREETING.fullmatch(line[:80]) if len(line) <= 80 else None
    if found is None:
        return len(line) <= 80 and bool(_EASTERN_GREETING.fullmatch(line))
    whom = re.findall(r"[^\s,.!:;]+", found["whom"])
    return all(word[0].isupper() or word.casefold() in _WHOM or not word.isascii() for word in whom)


def ends_typed(line: str) -> bool:
    """Whether a signature begins, or the footer of a device."""
    return line in _MARKS or (len(line) <= 120 and bool(_SENT.search(line)) and bool(_DEVICE.search(line)))


def _is_banner(line: str) -> bool:
    short = line[:1000]
    if _TAG.fullmatch(short[:120]) or _STRANGER.search(short):
        return True
    return sum(bool(sign.search(short)) for sign in (_ALERT, _ORIGIN, _ADVICE)) >= 2 and len(short.split()) >= 4


def _end_of_banner(lines: Sequence[str], at: int) -> int:
    """The line after a banner: it goes on while lines are wrapped, or say more of the kind."""
    end = at + 1
    while end < min(len(lines), at + _MOST_BANNER_LINES):
        line, before = lines[end], lines[end - 1]
        wrapped = len(before) >= WRAPPED and not before.endswith((".", "!", "]", "*", "。"))
        more = bool(_ADVICE.search(line)) and len(line.split()) >= 4
        if not line or not (wrapped or more) or is_command(line):
            break
        end += 1
    return end
