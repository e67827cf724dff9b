"""Log lines hold nobody up, and are not lost without a word."""

import os
import signal
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from gateway.edge.run import logs
from gateway.edge.run.logs import Lines
from tests.peers.process import wait_for


class File:
    """A file that may be full, or that nobody empties."""

    def __init__(self):
        self.text, self.full, self.open = "", False, threading.Event()
        self.open.set()

    def write(self, text):
        self.open.wait(5)
        if self.full:
            raise OSError(28, "No space left on device")
        self.text += text

    def flush(self):
        pass


@pytest.fixture
def file():
    return File()


def test_lines_are_written_soon_and_in_order(file):
    lines = Lines(file)
    lines.info("one")
    lines.error("two")
    assert wait_for(lambda: file.text) == "one\ntwo\n"
    lines.info("three")
    assert wait_for(lambda: file.text.endswith("three\n"))


def test_a_full_disk_is_nobodys_error(file):
    file.full = True
    lines = Lines(file)
    lines.error("lost")
    lines.flush()
    file.full = False
    lines.error("kept")
    assert wait_for(lambda: file.text) == "kept\n"


def test_a_reader_that_hangs_holds_nobody_up_and_the_oldest_lines_go(file, monkeypatch):
    monkeypatch.setattr(logs, "MOST", 3)
    lines = Lines(file)
    file.open.clear()
    lines.error("first")
    wait_for(lambda: not lines._waiting)
    for number in range(10):
        lines.info(f"line {number}")
    file.open.set()
    assert wait_for(lambda: "dropped" in file.text and file.text)
    assert [line for line in file.text.splitlines() if "line " in line and "lines" not in line] == [
        "line 7",
        "line 8",
        "line 9",
    ]
    assert "count=7" in file.text


def test_a_process_that_ends_at_once_flushes_them_and_a_fork_leaves_them_to_its_parent():
    program = """
        import logging, os, structlog
        from gateway.edge.run import logs

        logs.EVERY = 60
        logs.log_to_stderr(logging.INFO)
        structlog.get_logger().info("parent")
        if os.fork() == 0:
            structlog.get_logger().info("child")
            logs.flush()
            os._exit(0)
        os.wait()
        logs.flush()
        os._exit(0)
    """
    unwarned = [sys.executable, "-W", "ignore::DeprecationWarning"]  # Python 3.12 says that forks and threads may clash
    done = subprocess.run([*unwarned, "-c", dedent(program)], capture_output=True, text=True, check=True)
    assert [line.rpartition("event=")[2] for line in done.stderr.splitlines()] == ["child", "parent"]


def test_a_fork_in_the_middle_of_a_line_logs_on(file):
    lines = Lines(file)
    lines.error("of the parent")
    wait_for(lambda: file.text)
    with lines._serious._cond:  # as the thread that writes holds it for a moment, several times a second
        child = os.fork()
        if child == 0:
            lines.error("of the child")
            os._exit(0)
    try:
        wait_for(lambda: os.waitpid(child, os.WNOHANG) == (child, 0))
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
