"""Whatever is done to the audit by somebody who has no keys is found, and named."""

# ruff: noqa: S608 - whoever damages a database here writes SQL

from datetime import UTC, datetime, timedelta

import pytest

from gateway.admin.access import ask, do, opened
from gateway.admin.audit_check import Walk
from gateway.admin.audit_heads import kept_heads
from gateway.domain.audit_chain import FIRST_HEAD, sealed
from gateway.domain.model_records import Audit, AuditBatch
from gateway.flow.upkeep import chain, heads
from tests.admin.audited import ROWS, TRIGGERS, copied, made

CONTENT = "at, actor, action, subject, detail, place, mac"
COPY_OF_7 = f"(SELECT {CONTENT} FROM audit WHERE id = 7)"
SWAP = (
    "CREATE TABLE kept AS SELECT * FROM audit WHERE id IN (7, 8)",
    f"UPDATE audit SET ({CONTENT}) = (SELECT {CONTENT} FROM kept WHERE id = 15 - audit.id) WHERE id IN (7, 8)",
    "DROP TABLE kept",
)
SWAP_BATCHES = (
    "UPDATE audit_batch SET id = 99 WHERE id = 2",
    "UPDATE audit_batch SET id = 2 WHERE id = 3",
    "UPDATE audit_batch SET id = 3 WHERE id = 99",
)
ALTERED_BATCH = "batch 2 was altered: the rows that it seals are checked by their own digests alone"

DAMAGES = [
    (["UPDATE audit SET actor = 'eve@home.example' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET at = at + 1 WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET action = 'signed in' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET subject = 'copy 99' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET detail = 'none' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET place = '198.51.100.1' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET place = '', detail = char(0) || place WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET mac = zeroblob(32) WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET mac = x'' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET mac = 'text' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET actor = x'ff' WHERE id = 7"], ["row 7 was altered"]),
    (["UPDATE audit SET at = 'never' WHERE id = 7"], ["row 7 was altered: what is there is no row"]),
    (["UPDATE audit SET actor = 'eve' WHERE id = 1"], ["row 1 was altered"]),
    (
        ["UPDATE audit SET actor = 'eve' WHERE id IN (7, 8, 14)"],
        ["row 7 was altered", "row 8 was altered", "row 14 was altered"],
    ),
    ([f"UPDATE audit SET ({CONTENT}) = {COPY_OF_7} WHERE id = 8"], ["row 8 was altered: it says what row 7 said"]),
    (SWAP, ["rows 7 and 8 were swapped"]),
    (["DELETE FROM audit WHERE id = 8"], ["row 8 was removed"]),
    (["DELETE FROM audit WHERE id IN (7, 8)"], ["rows 7 to 8 were removed"]),
    (["DELETE FROM audit WHERE id = 1"], ["row 1 was removed"]),
    (["DELETE FROM audit WHERE id BETWEEN 6 AND 10"], ["rows 6 to 10 were removed"]),
    (["DELETE FROM audit WHERE id = 22"], ["row 22 was removed before it was sealed"]),
    (["UPDATE audit SET actor = 'eve' WHERE id = 22"], ["row 22 was altered"]),
    (["DELETE FROM audit WHERE id > 18"], ["rows after 18 are missing: batch 4 says up to 20"]),
    (
        ["UPDATE audit SET id = 40 WHERE id = 7"],
        ["row 7 was removed", "rows 24 to 39 were removed before it was sealed"],
    ),
    (["UPDATE audit SET id = -5 WHERE id = 7"], ["row -5 was inserted", "row 7 was removed"]),
    (
        [
            "DELETE FROM audit WHERE id = 7",
            f"INSERT INTO audit (id, {CONTENT}) SELECT 7, {CONTENT} FROM audit WHERE id = 9",
        ],
        ["row 7 was altered: it says what row 9 said"],
    ),
    (["UPDATE audit_batch SET marks = zeroblob(length(marks)) WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET marks = substr(marks, 1, 50) WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET marks = 'text' WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET at = at - 1 WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET last_row = 9 WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET first_row = 7 WHERE id = 2"], [ALTERED_BATCH]),
    (["UPDATE audit_batch SET head = zeroblob(32) WHERE id = 2"], ["batch 2 was altered: it does not follow batch 1"]),
    (["UPDATE audit_batch SET head = zeroblob(32) WHERE id = 4"], ["batch 4 was altered: it does not follow batch 3"]),
    (["DELETE FROM audit_batch WHERE id = 2"], ["batch 2 is missing"]),
    (["DELETE FROM audit_batch WHERE id < 3"], ["batches 1 to 2 are missing"]),
    (
        ["DELETE FROM audit_batch WHERE id = 2", "UPDATE audit SET actor = 'eve' WHERE id = 8"],
        ["batch 2 is missing", "row 8 was altered"],
    ),
    (["DELETE FROM audit_batch WHERE id = 4"], ["batch 4 is missing at the end"]),
    (
        ["DELETE FROM audit_batch WHERE id > 2", "DELETE FROM audit WHERE id > 10"],
        ["batches 3 to 4 are missing at the end"],
    ),
    (SWAP_BATCHES, [ALTERED_BATCH, ALTERED_BATCH.replace("2", "3")]),
    (
        ["UPDATE audit_batch SET forgotten = 1 WHERE id = 1", "DELETE FROM audit WHERE id <= 5"],
        ["batch 1 is said to be forgotten, but its time was not over, or it was not us"],
    ),
    (
        [
            "UPDATE audit_batch SET marks = substr(marks, 1, 50), forgotten = 0 WHERE id = 2",
            "DELETE FROM audit WHERE id = 12",
        ],
        [ALTERED_BATCH, "row 12 was removed"],
    ),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("audited") / "gateway")


@pytest.fixture
def audited(whole, tmp_path):
    return copied(whole, tmp_path / "gateway")


def test_what_is_whole_is_found_whole(audited):
    assert audited.said() == []
    audited.record(ROWS)
    assert audited.said() == []


@pytest.mark.parametrize(("statements", "said"), DAMAGES, ids=lambda one: one[0] if one[0].isupper() else "")
def test_each_damage_is_named_and_nothing_else(audited, statements, said):
    audited.damage(*statements)
    assert audited.said() == said


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_that_is_missing_or_does_nothing_is_named(audited, name):
    table, says = "audit_batch" if "batch" in name else "audit", f"the trigger {name} is missing or was changed"
    audited.damage(f"DROP TRIGGER IF EXISTS {name}", lasting=name)
    assert audited.said() == [says]
    audited.run(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")
    assert audited.said() == [says]


def test_the_findings_name_their_rows(audited):
    audited.damage("DELETE FROM audit WHERE id IN (7, 8)")
    [found] = audited.findings()
    assert (found.first, found.last) == (7, 8)


def test_the_walk_counts_what_it_has_seen(audited):
    seen = []
    with opened(audited.settings) as many:
        walk = Walk(many, advance=seen.append)
        assert list(walk.findings()) == []
    assert (walk.walked.rows, walk.walked.batches, walk.walked.unsealed) == (23, 4, 3)
    assert sum(seen) == 23


class Beside:
    """Looks at an audit of which a gateway seals another batch after the look of this number."""

    def __init__(self, audited, looks, number):
        self.audited, self.looks, self.left = audited, looks, number

    def __getattr__(self, name):
        found = getattr(self.looks, name)
        return self.then_sealing(found) if callable(found) else found

    def then_sealing(self, look):
        def looked(*args):
            result = look(*args)
            self.left -= 1
            if self.left == 0:
                self.audited.record(ROWS)
            return result

        return looked


def found_beside(audited, number):
    with opened(audited.settings) as many:
        looks = Beside(audited, many, number)
        return list(Walk(looks).findings()), number - looks.left


def test_a_gateway_that_seals_between_any_two_looks_is_no_false_alarm(whole, tmp_path):
    _, looks = found_beside(whole, 0)
    assert looks > 10
    for number in range(1, looks + 1):
        audited = copied(whole, tmp_path / str(number))
        assert found_beside(audited, number)[0] == [], f"sealed after look {number}"


# ---------------------------------------------------------------------------------------------------------- retention


def age(audited, days):
    """What is there was written so long ago: the settings forget it sooner."""
    text = (audited.folder / "gateway.toml").read_text()
    (audited.folder / "gateway.toml").write_text(f"{text}\n[retention]\naudit = {days}\n")


@pytest.fixture
def old(tmp_path, whole):
    """Three batches of long ago, and one of today."""
    audited = copied(whole, tmp_path / "gateway")
    audited.damage("DELETE FROM audit", "DELETE FROM audit_batch", "DELETE FROM sqlite_sequence")
    for days in (100, 99, 98):
        audited.record(ROWS, at=datetime.now(UTC) - timedelta(days=days))
    audited.record(ROWS)
    age(audited, 90)
    return audited


def forget_all(audited):
    while do(audited.settings, lambda ctx: chain.forget(ctx, 0, 0)):
        pass


def test_what_retention_has_removed_is_missed_by_nobody(old):
    assert old.said() == []
    forget_all(old)
    assert old.said() == []
    assert old.ask("SELECT id, forgotten FROM audit_batch") == [(3, 1), (4, 0)]
    assert old.ask("SELECT min(id), max(id) FROM audit") == [(16, 20)]


def test_a_longer_retention_later_is_no_false_alarm(old):
    forget_all(old)
    age_again = (old.folder / "gateway.toml").read_text().replace("audit = 90", "audit = 2000")
    (old.folder / "gateway.toml").write_text(age_again)
    assert old.said() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            f"INSERT INTO audit (id, {CONTENT}) SELECT 3, {CONTENT} FROM audit WHERE id = 17",
            "a row was inserted: 3, where retention had removed all",
        ),
        ("DELETE FROM audit_batch WHERE forgotten = 1", "batches 1 to 3 are missing"),
        (
            "UPDATE audit_batch SET marks = zeroblob(60) WHERE forgotten = 1",
            "batch 3 is said to be forgotten, but its time was not over, or it was not us",
        ),
        (
            "UPDATE audit_batch SET head = zeroblob(32) WHERE forgotten = 1",
            "batch 4 was altered: it does not follow batch 3",
        ),
    ],
)
def test_damage_where_retention_has_been_is_named(old, statement, said):
    forget_all(old)
    old.damage(statement)
    assert said in old.said()


def test_the_newest_batch_is_never_forgotten(old):
    age_all = (old.folder / "gateway.toml").read_text().replace("audit = 90", "audit = 1")
    (old.folder / "gateway.toml").write_text(age_all)
    old.damage(
        "DELETE FROM audit WHERE id > 15",
        "DELETE FROM audit_batch WHERE id = 4",
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_batch'",
    )
    forget_all(old)
    assert old.ask("SELECT max(id) FROM audit") == [(15,)]


def test_the_database_itself_refuses_to_alter_or_to_remove(audited):
    statements = [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit WHERE id = 7",
        "DELETE FROM audit",
        f"INSERT INTO audit (id, {CONTENT}) SELECT 0, {CONTENT} FROM audit WHERE id = 7",
        f"REPLACE INTO audit (id, {CONTENT}) SELECT 7, {CONTENT} FROM audit WHERE id = 8",
        "UPDATE audit_batch SET head = x'00'",
        "UPDATE audit_batch SET forgotten = 1, last_row = 99",
        "DELETE FROM audit_batch WHERE id = 4",
    ]
    for statement in statements:
        with pytest.raises(Exception, match=r"only grows|never"):
            audited.ask(statement)
    assert audited.said() == []


# ------------------------------------------------------------------------------------------------- whoever has the keys


def made_anew(audited):
    """Somebody with the keys has removed a row, and made the chain anew."""

    def again(ctx):
        before = FIRST_HEAD
        for batch in ctx.tx.find(AuditBatch):
            rows = ctx.tx.find(Audit, id__gt=batch.first_row - 1, id__le=batch.last_row)
            entries = chain.entries_of(rows, batch.first_row - 1)
            fresh = sealed(
                ctx.keys,
                AuditBatch(
                    id=batch.id,
                    at=batch.at,
                    first_row=batch.first_row,
                    last_row=batch.last_row,
                    marks=entries,
                    head=b"",
                ),
                before,
            )
            before = fresh.head
            statements.append(
                f"UPDATE audit_batch SET marks = x'{fresh.marks.hex()}', head = x'{fresh.head.hex()}' "
                f"WHERE id = {batch.id}"
            )

    statements = []
    audited.damage("DELETE FROM audit WHERE id = 12")
    ask(audited.settings, again)
    audited.damage(*statements)


def kept(audited):
    return kept_heads(["Dear auditor,", f"  {ask(audited.settings, heads.newest_line)}"])


def test_a_chain_that_was_made_anew_differs_from_a_head_that_was_kept_elsewhere(audited):
    elsewhere = kept(audited)
    assert audited.said(elsewhere) == []
    made_anew(audited)
    assert audited.said() == []
    [said] = audited.said(elsewhere)
    assert said.startswith("batch 4 is not the one whose head was kept on 20")


def test_a_tail_that_was_cut_off_without_a_trace_is_missed_by_a_head_that_was_kept_elsewhere(audited):
    elsewhere = kept(audited)
    audited.damage(
        "DELETE FROM audit WHERE id > 15",
        "DELETE FROM audit_batch WHERE id = 4",
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_batch'",
    )
    assert audited.said() == []
    assert audited.said(elsewhere) == ["batch 4, whose head was kept elsewhere, is missing: the chain was cut off"]


def test_heads_of_what_retention_has_removed_are_too_old_to_compare(old):
    line = f"2026-01-01T09:00:00+00:00 1 5 {'0' * 64}"
    forget_all(old)
    with opened(old.settings) as many:
        walk = Walk(many, kept_heads([line]))
        assert list(walk.findings()) == []
    assert (walk.walked.old_heads, walk.walked.forgotten_to) == (1, 15)


def test_a_database_of_the_first_schema_is_whole(audited):
    """Its rows had no place."""
    do(audited.settings, lambda ctx: ctx.tx.add(first_row(ctx)))
    assert audited.said() == []


def first_row(ctx):
    row = Audit(at=ctx.now, actor="a", action="viewed", subject="copy 1", detail="")
    said = "\0".join((row.at.isoformat(), "a", "viewed", "copy 1", "")).encode()
    return Audit(at=row.at, actor="a", action="viewed", subject="copy 1", mac=ctx.keys.digest("audit", said))
