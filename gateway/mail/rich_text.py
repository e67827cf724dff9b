"""The words of compressed RTF (MS-OXRTFCP), which some messages of Outlook have and no others."""

from compressed_rtf import decompress
from striprtf.striprtf import rtf_to_text

from gateway.mail.bounds import RTF_OCTETS


def words_of(octets: bytes) -> str:
    """The words; "" where there are none, or they cannot be read, or are more than anybody writes."""
    if len(octets) > RTF_OCTETS:
        return ""
    try:
        rtf = decompress(octets).decode("latin-1")
        return str(rtf_to_text(rtf, errors="replace"))  # type: ignore[no-untyped-call]
    except Exception:  # the libraries raise whatever damaged octets bring about, a bare Exception among it
        return ""
