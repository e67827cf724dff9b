"""What `gateway check` and `gateway doctor` say of a copy of the ledger that tells something else."""

import pytest

from gateway.admin.access import do
from gateway.admin.doctor.examination import examine
from gateway.admin.keeping import about_ledger
from gateway.config.toml_file import load
from gateway.domain.ledger import LedgerKind
from gateway.domain.model_records import LedgerEntry
from gateway.edge.run.clock import the_clock
from gateway.flow.ledger import note
from gateway.prepare import keys_of, prepare
from gateway.store.ledger import ChainedLedger
from tests.bench.restore import made


@pytest.fixture
def settings(tmp_path):
    made(tmp_path / "gateway")
    config = tmp_path / "gateway/gateway.toml"
    own = f'[ledger]\ncopies = ["{tmp_path}/copy"]\n[metrics]\nlisten = "127.0.0.1:0"\n'
    config.write_text(f"{config.read_text()}\n{own}")
    settings = load(config)
    prepare(settings, the_clock(), ()).close()
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 7, "DESTROYED"))
    return settings


def said(settings):
    doctor = [one.what for one in examine(settings).findings if one.kind == "ledger"]
    return [about_ledger(settings).line, *doctor]


def test_a_copy_that_tells_something_else_is_named_with_its_line_and_what_to_do(settings, tmp_path):
    assert said(settings) == ["ok       ledger"]
    drill = ChainedLedger(tmp_path / "copy", keys_of(settings))
    drill.append([LedgerEntry(at=the_clock().now(), kind=LedgerKind.COPY, subject="8 DESTROYED gone")])
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 9, "DESTROYED"))
    for line in said(settings):
        assert f"{tmp_path}/copy is no copy of {tmp_path}/gateway/gateway.ledger: from line 2 on" in line
        assert "name another place in ledger.copies; otherwise move that file away by hand" in line
    assert len(said(settings)) == 2
    (tmp_path / "copy").unlink()
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 10, "DESTROYED"))
    assert said(settings) == ["ok       ledger"]
