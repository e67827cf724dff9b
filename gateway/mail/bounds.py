"""How much of a mail is read, and why no more.

Each reader takes time that grows no faster than what it reads, and none reads more than stands here. What lies beyond
is carried all the same, octet for octet: it is not understood. An honest mail stays below each bound many times over.
"""

# ----------------------------------------------------------------------------------------------------------- its head

HEAD_OCTETS = 2**20
"""A head, in octets. Postfix cuts off a field after 100 KiB; a longer head than this is refused."""
HEAD_FIELDS = 10_000
"""The fields of a head. A mail that went round a hundred hops has some three hundred."""
ENCODED_WORDS = 1_000
"""The encoded words of one field that are decoded (a subject has a dozen); later ones stay as they are written."""
ENCODED_OCTETS = 65_536
"""What those words hold together."""
LIST_LENGTH = 8_192
"""The characters of all From fields together, and of all To and Cc: reading an internationalised address takes up to
two milliseconds. A longer list names nobody, so that its author is unclear."""
AUTHORS = 20
"""The mailboxes of From. Two are an unclear author already."""
MAILBOXES = 200
"""The mailboxes of one list whose names are told: as many as LIST_LENGTH has room for, written with names."""
COMMENT_DEPTH = 50
"""Comments within comments (RFC 5322 §3.2.2); nobody writes the second."""

ANSWERS_LENGTH = 16_384
"""The characters of References that are read, from their end: there the newest mail is named."""
ANSWERED = 50
"""The mails that one is taken to go on with."""

# ---------------------------------------------------------------------------------------------------------- its parts

DEEPEST = 50
"""Parts within parts. Ten forwards in a row reach twenty."""
PARTS = 1_000
"""The parts of a message: more than files go into one mail, and each is a row of the portal's page."""
PART_FIELDS = 20_000
"""The fields of all parts' heads together: twenty a part."""
VALUE_OCTETS = 16_384
"""A field that tells of a part; file names of 255 characters, percent-encoded, take three thousand."""
CALENDAR_OCTETS = 2**17
"""A calendar in which a meeting is looked for. One with 500 people has some sixty thousand."""
CALENDAR_PEOPLE = 200
"""The people of a meeting whose names are told."""
CALENDAR_DATES = 20
"""The dates that are told of those that a series leaves out, or has beside its rule."""
CALENDAR_LENGTH = 500
"""The characters of one thing that a calendar says."""
OUTLINED_OCTETS = 2**20
"""A message longer than this is read by its outline, without most of what is only files."""
ENCRYPTED_OCTETS = 16_384
"""The octets of a body by which it is known as encrypted."""
WINMAIL_VALUES = 50_000
"""The values of a winmail.dat. Each file has some thirty; a message to 500 people has eight thousand."""
WINMAIL_DEPTH = 10
"""The messages within messages of one."""
RTF_OCTETS = 2**17
"""The compressed RTF that is read where a winmail.dat has no other words."""
SIGNED_OCTETS = 25 * 2**20
"""The octets of a signed mail whose signature is checked."""
START_OCTETS = 1_032
"""The octets of a file by which it is known as what it is."""
META_OCTETS = 4_096
"""The octets of HTML in which it may say its character set; WHATWG HTML §13.2.3.2 looks at the first 1,024."""
VENDOR_OCTETS = 2**18
"""The octets of a text in which characters that makers have added to a Japanese or Chinese set are looked up, one by
one; in longer ones they are U+FFFD."""
BOUNDARY_LENGTH = 200
"""A boundary; RFC 2046 §5.1.1 allows 70 characters."""

# ------------------------------------------------------------------------------------- what is said to us, on its top

READ_OCTETS = 2**20
"""As much of a mail to the gateway itself is looked at: what a person types stands at its beginning."""
TEXT_OCTETS = 131_072
"""The octets of its text parts that are decoded, and as many of HTML: more than follows."""
TEXT_LENGTH = 65_536
"""The characters of text in which typed lines are looked for, below banners and greetings."""
TEXT_LINES = 1_200
"""The lines in which they are looked for; most may be blank."""
SIGNATURES = 3
"""Signatures around each other, all of which hold the whole mail; nobody makes the second."""
READ_LINE = 2_000
"""The characters of one such line: its rest, with links, is not what makes it a banner or a quote."""
TYPED_LINES = 550
"""The lines that may be commands: 500 people may be told of at once."""
TYPED_LINE = 500
"""The characters of a command."""
TABLE_OCTETS = 131_072
"""The octets of a table that is attached; 500 people take forty thousand."""
TABLE_ROWS = 550
"""Its rows."""

# -------------------------------------------------------------------------------------------------- what has come back

SUBJECT_LENGTH = 1_000
"""The characters of a subject, or an author, that are looked through for what mail systems write there."""
BOUNCE_TEXT = 20_000
"""The characters of a bounce's text: what failed stands before what was sent."""
BOUNCE_GAP = 40
"""The characters that may stand between two words that mean something together ("mailbox … full")."""
STATUS_OCTETS = 65_536
"""The octets of a delivery status (RFC 3464): some three hundred recipients."""
STATUS_GROUPS = 500
"""The groups of fields in it, one a recipient."""
DIAGNOSTIC_LENGTH = 500
"""The characters of what a mail system answered."""
LIBRARY_OCTETS = 32_768
"""What the library for odd bounces, and the stdlib's parser before it, are given: both search some lines again for
each of their characters, which is why these are short and few."""
LIBRARY_LINE = 200
LIBRARY_LINES = 500
LIBRARY_DEPTH = 3

# ----------------------------------------------------------------------------------------------------------- its HTML

HTML_DEPTH = 100
"""Elements within elements; deeper ones are left out, their words stay. Parsers take time with the square of this."""
HTML_STYLES = 12
"""Elements such as <b> that are open at once: a parser opens them anew in each paragraph."""
HTML_ATTRIBUTES = 40
"""Attributes of one element: parsers compare each with all before it."""
HTML_REFERENCES = 200
"""Character references (&amp;) in one text or attribute: the parser copies all of it for each. In texts a comment that
nobody sees divides them."""
HTML_ELEMENTS = 50_000
"""The elements of one message that are shown; of later ones the words stay, and where lines end."""
HTML_TAGS = 200_000
"""Beyond so many tags a message is not shown at all."""
HTML_LENGTH = 32_768
"""The characters of HTML in which typed lines are looked for, its head and embedded pictures not counted."""
TYPED_ELEMENTS = 3_000
"""The elements in them; each is asked for sixty marks of quotes and of what is hidden."""
SHEET_LENGTH = 131_072
"""The characters of a mail's style sheets; Outlook writes sixty thousand."""
STYLE_LENGTH = 2_000
"""The characters of one element's style."""
RULES = 1_000
"""The rules of them that are kept."""
SELECTORS = 50
"""The selectors of one rule."""
CLASSES = 20
"""The classes of one element that are looked up."""

# ------------------------------------------------------------------------------------------------ files looked at

CARD_OCTETS = 2**20
"""The octets of a file with people's cards that are read; a card with a picture takes some hundred thousand."""
CARD_LINES = 20_000
"""The lines of it: each of a picture's takes one."""
CARDS = 20
"""The cards that are shown."""
CARD_VALUES = 20
"""The values of one kind, such as telephones, of one card."""
CARD_LENGTH = 500
"""The characters of one value."""
LOOKED_AT_OCTETS = 30_000_000
"""The octets of a file of which a picture is made; more do not go through most mail servers."""
LOOKED_AT_PAGES = 50
"""The pages of which pictures are made."""
PICTURE_WIDTH, PICTURE_HEIGHT = 1_240, 2_480
"""In pixels, the largest picture of a page: the width is A4's at 150 dots an inch, the height twice as much."""
PICTURE_POINTS = 50_000_000
"""The pixels of a picture that is made smaller; cameras of telephones have as many."""
PICTURE_OCTETS = 3_000_000
"""The octets of the picture that comes of it; a page of text takes a hundred thousand."""
PNG_OCTETS = 400_000
"""Beyond so many octets a picture is made a JPEG, which photographs need."""
PAGE_LENGTH = 20_000
"""The characters of one page's text."""
