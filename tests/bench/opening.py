"""How long a very large message takes to open, and how much memory: `python -m tests.bench.opening`.

Each way runs in a process of its own, one after the other: by the outline, as the portal does, and with all of it in
memory.
"""

import base64
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from gateway.mail.outline import Outline, outlined
from gateway.portal.mail.content import shown_of
from gateway.ports import Sealed
from gateway.store.content import SpooledContent

SHAPES = ((300, 50_000_000), (1, 50_000_000), (10, 1_500_000))
"""Files, and octets of mail."""
ROUNDS = 3
AT_ONCE = 57_000
TEXT = b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>See the files.</p>\r\n"
FILE = b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def main() -> None:
    """Print the best of some rounds, and how much the process grew; `1 300 50000000` is one such process."""
    if len(sys.argv) > 1:
        by_outline, files, octets = map(int, sys.argv[1:])
        print(*opened(files, octets, by_outline=bool(by_outline)))
        return
    print("files  MB  by          ms  more memory")
    for files, octets in SHAPES:
        for by_outline in (1, 0):
            words = [sys.executable, "-m", "tests.bench.opening", *map(str, (by_outline, files, octets))]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
            how = "outline" if by_outline else "all of it"
            print(
                f"{files:5} {octets / 1e6:3.0f}  {how:9} {float(said[0]):4.0f}  {int(said[1]) / 1024:5.0f} MB",
                flush=True,
            )


def opened(files: int, octets: int, *, by_outline: bool) -> tuple[float, int]:
    """Milliseconds, and KiB that the process has grown by."""
    with tempfile.TemporaryDirectory() as folder:
        content = SpooledContent(Path(folder))
        sealed = stored(content, files, octets)
        before = getrusage(RUSAGE_SELF).ru_maxrss
        took = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            message = outline(content, sealed) if by_outline else content.get(sealed.content_id, None, sealed.data_key)
            assert len(shown_of(message, "/f", "en").attachments) == files
            took.append(time.perf_counter() - start)
        return min(took) * 1000, getrusage(RUSAGE_SELF).ru_maxrss - before


def outline(content: SpooledContent, sealed: Sealed) -> Outline:
    return outlined(sealed.size, lambda: content.chunks(sealed.content_id, None, sealed.data_key))


def stored(content: SpooledContent, files: int, octets: int) -> Sealed:
    writer = content.writer()
    writer.write(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + TEXT)
    for _ in range(files):
        writer.write(FILE)
        for start in range(0, octets // files * 3 // 4, AT_ONCE):
            some = os.urandom(min(AT_ONCE, octets // files * 3 // 4 - start))
            writer.write(base64.encodebytes(some).replace(b"\n", b"\r\n"))
    writer.write(b"--b--\r\n")
    sealed = writer.finish()
    writer.sync()
    return sealed


if __name__ == "__main__":
    main()
