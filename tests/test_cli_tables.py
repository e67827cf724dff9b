"""What a table looks like on narrow terminals: nothing that is one word is broken."""

import pytest

from gateway.cli.output import show

ROWS = [
    {
        "number": 4711,
        "queue_id": "0e222d527f46",
        "to": "patricia.longworth@practice.example",
        "since": "2026-03-02T10:05:00+00:00",
        "last_reply": "421 4.3.2 Service not available, closing transmission channel",
    },
    {
        "number": 12,
        "queue_id": "4a701f82c999",
        "to": "pat@home.example",
        "since": "2026-03-04T08:00:00+00:00",
        "last_reply": "",
    },
]
WHOLE = (
    "4711",
    "0e222d527f46",
    "patricia.longworth@practice.example",
    "2026-03-02 10:05:00Z",
    "queue id",
    "transmission",
)


@pytest.mark.parametrize("width", [60, 80, 100, 160, 250])
def test_no_number_time_id_or_address_is_broken(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    show(ROWS, as_json=False, nothing="none")
    shown = capsys.readouterr().out
    assert not [one for one in WHOLE if one not in shown]
    assert max(map(len, shown.splitlines())) <= width
