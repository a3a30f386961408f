from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator import hazards
from migrator.hazards import Hazard, Kind
from migrator.model import Migration, Script

ALL = "against reads and writes"


def migration(text: str, version: int = 1, *, transactional: bool = True) -> Migration:
    script = Script.of(f"m/{version}_m.sql", text.encode())
    return Migration(str(version), "m", script.section(text, 1, transactional=transactional))


def told(*texts: str) -> list[tuple[str, str]]:
    """Kind and words of each hazard in migrations with these scripts."""
    found = hazards.of([migration(text, version) for version, text in enumerate(texts, 1)])
    return [(hazard.kind.name, hazard.text) for hazard in found]


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("DROP TABLE orders", "drops table orders"),
        ("DROP TABLE IF EXISTS shop.orders CASCADE", "drops table shop.orders, if it is there"),
        ("DROP SCHEMA shop CASCADE", "drops schema shop with all that is in it"),
        ("DROP TYPE shop.mood CASCADE", "drops type shop.mood and every column that uses it"),
        ("DROP DOMAIN email CASCADE", "drops domain email and every column that uses it"),
        ("DROP EXTENSION citext CASCADE", "drops extension citext and every column that uses it"),
        ("DROP COLLATION german CASCADE", "drops collation german and every column that uses it"),
        ("DROP OWNED BY joe, CURRENT_USER", "drops everything in the database that belongs to joe, the current user"),
        ("ALTER TABLE orders DROP COLUMN total", "drops column total of table orders"),
        ("ALTER TABLE IF EXISTS orders DROP total CASCADE", "drops column total of table orders"),
        ("TRUNCATE orders", "empties table orders"),
        ("TRUNCATE orders CASCADE", "empties table orders and every table that refers to it"),
        ("DELETE FROM orders", "deletes every row of table orders"),
        ("DELETE FROM orders USING users WHERE true", "deletes every row of table orders"),
        ("WITH a AS (WITH b AS (SELECT 1) DELETE FROM orders RETURNING 1) SELECT 1", "deletes every row of table orders"),
        ("UPDATE orders SET total = 1", "overwrites column total in every row of table orders"),
        ("UPDATE orders SET (a, b) = (1, 2), c[1] = 2", "overwrites columns a, b and c in every row of table orders"),
    ],
)
def test_dropping_data_is_told(statement: str, text: str) -> None:
    assert told(statement) == [("DROPS", text)]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("ALTER total TYPE bigint", "column total changes its type"),
        ("ALTER total TYPE text", "column total changes its type, unless it only gets wider"),
        ("ALTER total TYPE text USING upper(total)", "column total changes its type"),
        ("ADD number serial", "numbers every row in column number"),
        ("ADD number bigint GENERATED ALWAYS AS IDENTITY", "numbers every row in column number"),
        ("ADD twice int GENERATED ALWAYS AS (total * 2) STORED", "computes column twice for every row"),
        ("ADD id uuid DEFAULT gen_random_uuid()", "computes the default of column id for every row"),
        ("ADD id text DEFAULT 'a' || lower(own(1)::text)", "computes the default of column id for every row"),
        ("ALTER twice SET EXPRESSION AS (total * 3)", "computes column twice for every row, if it is a stored one"),
        ("SET LOGGED", "makes it survive a crash"),
        ("SET UNLOGGED", "makes it unlogged"),
        ("SET TABLESPACE fast", "moves it to another tablespace"),
        ("SET ACCESS METHOD columnar", "stores it by another access method"),
    ],
)
def test_rewriting_a_table_is_told_with_the_reason(step: str, why: str) -> None:
    assert told(f"ALTER TABLE orders {step}") == [("REWRITES", f"rewrites table orders: {why}")]


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("CLUSTER shop.orders USING i", "rewrites table shop.orders: sorts its rows"),
        ("ALTER MATERIALIZED VIEW totals SET TABLESPACE fast", "rewrites materialized view totals: moves it to another tablespace"),
        ("ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b", "rewrites all that is in tablespace a: moves it to b"),
    ],
)
def test_other_rewrites_are_told(statement: str, text: str) -> None:
    assert told(statement) == [("REWRITES", text)]


@pytest.mark.parametrize(
    ("step", "lock"),
    [
        ("ALTER total SET NOT NULL", f"{ALL}: looks for NULL in column total of every row, unless a valid CHECK rules it out"),
        ("ADD CONSTRAINT c NOT NULL total", f"{ALL}: looks for NULL in column total of every row"),
        ("ADD CONSTRAINT c CHECK (total > 0)", f"{ALL}: checks every row for constraint c"),
        ("ADD CHECK (total > 0)", f"{ALL}: checks every row for constraint"),
        ("ADD CONSTRAINT c UNIQUE (total)", f"{ALL}: builds the index of unique constraint c"),
        ("ADD PRIMARY KEY (id)", f"{ALL}: builds the index of primary key"),
        ("ADD CONSTRAINT c EXCLUDE (total WITH =)", f"{ALL}: builds the index of exclusion constraint c"),
        ("ADD note text UNIQUE", f"{ALL}: builds the index of unique constraint of column note"),
        ("ADD note text CHECK (note <> '')", f"{ALL}: checks every row for constraint of column note"),
    ],
)
def test_a_lock_for_as_long_as_there_are_rows_is_told_with_the_reason(step: str, lock: str) -> None:
    assert told(f"ALTER TABLE orders {step}") == [("LOCKS", f"locks table orders {lock}")]


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("CREATE INDEX i ON orders (total)", "table orders against writes: builds index i"),
        ("CREATE UNIQUE INDEX ON shop.orders (total)", "table shop.orders against writes: builds an index"),
        ("REINDEX TABLE orders", "table orders against writes: builds its indexes anew"),
        ("REINDEX INDEX i", "the table of index i against writes: builds the index anew"),
        ("LOCK TABLE orders", "table orders against reads and writes until the migration ends"),
        ("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE", "table orders against writes until the migration ends"),
        ("REFRESH MATERIALIZED VIEW totals", "materialized view totals against reads: fills it anew"),
        ("ALTER DOMAIN email ADD CHECK (value <> '')", "every table that uses domain email against writes: checks every row"),
        ("ALTER DOMAIN email SET NOT NULL", "every table that uses domain email against writes: checks every row"),
        (
            "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (user_id) REFERENCES shop.users",
            "tables orders and shop.users against writes: checks every row for foreign key c",
        ),
        (
            "ALTER TABLE orders ADD user_id int DEFAULT 1 REFERENCES users",
            "tables orders and users against writes: checks every row for foreign key of column user_id",
        ),
        (
            "ALTER TABLE orders ATTACH PARTITION old FOR VALUES FROM (1) TO (2)",
            f"table old {ALL}: checks whether every row may be in this partition of orders",
        ),
    ],
)
def test_other_locks_are_told(statement: str, text: str) -> None:
    assert told(statement) == [("LOCKS", f"locks {text}")]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE orders ADD total int",
        "ALTER TABLE orders ADD total int NOT NULL DEFAULT 0",
        "ALTER TABLE orders ADD made_at timestamptz DEFAULT now() + '1 day'",
        "ALTER TABLE orders ADD made_on date DEFAULT current_date",
        "ALTER TABLE orders ADD twice int GENERATED ALWAYS AS (total * 2) VIRTUAL",
        "ALTER TABLE orders ADD user_id int REFERENCES users",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID",
        "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (user_id) REFERENCES users NOT VALID",
        "ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX i",
        "ALTER TABLE orders VALIDATE CONSTRAINT c",
        "ALTER TABLE orders ALTER total SET DEFAULT random()",
        "ALTER TABLE orders RENAME COLUMN a TO b",
        "ALTER VIEW totals ALTER total SET DEFAULT 1",
        "ALTER TYPE address DROP ATTRIBUTE street",
        "ALTER DOMAIN email ADD CHECK (value <> '') NOT VALID",
        "CREATE INDEX i ON ONLY orders (total)",
        "CREATE TABLE made (id serial PRIMARY KEY REFERENCES orders, total int CHECK (total > 0))",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM orders'",
        "DELETE FROM orders WHERE id = 1",
        "UPDATE orders SET total = 1 WHERE total IS NULL",
        "DROP TYPE mood",
        "DROP SCHEMA shop",
        "DROP VIEW totals CASCADE",
        "DROP MATERIALIZED VIEW totals",
        "LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
        "INSERT INTO orders SELECT * FROM imported",
        "COMMENT ON TABLE orders IS 'DROP TABLE orders'",
    ],
)
def test_what_harms_nobody_is_not_told(statement: str) -> None:
    assert told(statement) == []


def test_steps_of_one_statement_are_one_sentence_for_each_thing_that_happens() -> None:
    statement = "ALTER TABLE orders ADD CHECK (a > 1), ALTER b TYPE bigint, DROP c, ADD UNIQUE (a), ADD d serial, DROP e"
    assert told(statement) == [
        ("DROPS", "drops column c of table orders"),
        ("DROPS", "drops column e of table orders"),
        ("REWRITES", "rewrites table orders: column b changes its type; numbers every row in column d"),
    ]
    statement = "ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 1), ADD CONSTRAINT d FOREIGN KEY (a) REFERENCES users"
    lock = "locks tables orders and users against reads and writes"
    assert told(statement) == [("LOCKS", f"{lock}: checks every row for constraint c; checks every row for foreign key d")]


def test_one_thing_is_told_once_for_a_statement() -> None:
    assert told("TRUNCATE orders, orders") == [("DROPS", "empties table orders")]
    assert told("DO $$ BEGIN IF random() > 0.5 THEN DELETE FROM a; ELSE DELETE FROM a; END IF; END $$") == [
        ("DROPS", "deletes every row of table a, in a DO block")
    ]


def test_a_hazard_says_in_which_migration_and_where() -> None:
    pending = [
        migration("-- é\nSELECT 1;\n\n  /* x\n */ DROP TABLE\n orders; TRUNCATE users", 7),
        Migration("8", "up", Script.of("m/8_up.sql", b"").section("SELECT 1;\nDROP TABLE items;\n", 12)),
    ]
    assert hazards.of(pending) == (
        Hazard("7_m", "m/7_m.sql", 5, Kind.DROPS, "drops table orders"),
        Hazard("7_m", "m/7_m.sql", 6, Kind.DROPS, "empties table users"),
        Hazard("8_up", "m/8_up.sql", 13, Kind.DROPS, "drops table items"),
    )


@pytest.mark.parametrize(
    "texts",
    [
        ["CREATE TABLE a (b int); CREATE INDEX i ON a (b); REINDEX INDEX i; DROP TABLE a"],
        ["CREATE TABLE a (b int)", "ALTER TABLE public.a ALTER b TYPE text, DROP c", "TRUNCATE a"],
        ["CREATE TABLE s.a (b int); ALTER TABLE s.a RENAME TO c; ALTER TABLE s.c SET SCHEMA t; DROP TABLE t.c"],
        ["CREATE TABLE a (b int); ALTER TABLE a RENAME CONSTRAINT x TO y; DROP TABLE a"],
        ["CREATE TABLE a (b int); CREATE INDEX i ON a (b); ALTER TABLE a RENAME TO c; ALTER INDEX i RENAME TO j; REINDEX INDEX j"],
        ["SET search_path = '$user', s; CREATE TABLE a (b int); DELETE FROM s.a"],
        ["CREATE SCHEMA s CREATE TABLE a (b int); CREATE INDEX ON s.a (b); DROP SCHEMA s CASCADE"],
        ["CREATE SCHEMA s CREATE TABLE a (b int); CREATE TABLE c (d int); DROP TABLE public.c, s.a"],
        ["CREATE SCHEMA s; CREATE TABLE s.a (b int); ALTER SCHEMA s RENAME TO t; DROP TABLE t.a; DROP SCHEMA t CASCADE"],
        ["CREATE TABLE a AS SELECT 1 AS b; CREATE INDEX ON a (b); SELECT 1 INTO c; DROP TABLE a, c"],
        ["CREATE MATERIALIZED VIEW a AS SELECT 1 AS b; CREATE INDEX ON a (b); REFRESH MATERIALIZED VIEW a"],
        ["CREATE FOREIGN TABLE a (b int) SERVER s; DROP TABLE a"],
        ["CREATE TEMP TABLE a (b int); DELETE FROM a; DROP TABLE a"],
        ["CREATE TABLE IF NOT EXISTS a (b int); CREATE INDEX ON a (b); ALTER TABLE a ALTER b TYPE text"],
        ["ALTER TABLE orders ADD a int; ALTER TABLE orders RENAME a TO b; ALTER TABLE orders DROP b"],
        ["ALTER TABLE orders ADD a int", "ALTER TABLE orders DROP a"],
        ["ALTER TABLE orders ADD a int; ALTER TABLE orders RENAME TO sales; ALTER TABLE sales DROP a"],
    ],
)
def test_nothing_is_said_of_what_the_same_migrations_make(texts: list[str]) -> None:
    assert told(*texts) == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["DROP TABLE a; CREATE TABLE a (b int); DROP TABLE a"], "drops table a"),
        (["CREATE TABLE a (b int); DROP TABLE a", "DROP TABLE a"], "drops table a"),
        (["CREATE TABLE b (c int); ALTER TABLE a RENAME TO old; ALTER TABLE b RENAME TO a; DROP TABLE a, old"], "drops table old"),
        (["CREATE TABLE s.a (b int); DROP TABLE a"], "drops table a"),
        (["SET search_path = s; CREATE TABLE a (b int); DROP TABLE s.a", "DROP TABLE a"], "drops table a"),
        (["CREATE TEMP TABLE a (b int); DROP TABLE public.a"], "drops table public.a"),
        (["CREATE TEMP TABLE a (b int)", "DROP TABLE a"], "drops table a"),
        (["CREATE TABLE IF NOT EXISTS a (b int); TRUNCATE a"], "empties table a"),
        (["CREATE SCHEMA IF NOT EXISTS s; DROP SCHEMA s CASCADE"], "drops schema s with all that is in it"),
        (["CREATE SCHEMA s; ALTER TABLE orders SET SCHEMA s; DROP SCHEMA s CASCADE"], "drops schema s with all that is in it"),
        (["ALTER TABLE orders ADD IF NOT EXISTS a int; ALTER TABLE orders DROP a"], "drops column a of table orders"),
        (["ALTER TABLE orders ADD a int; ALTER TABLE orders DROP a; ALTER TABLE orders DROP a"], "drops column a of table orders"),
        (["DO $$ BEGIN CREATE TABLE a (b int); END $$; DROP TABLE a"], "drops table a"),
    ],
)
def test_what_may_have_been_there_before_is_told(texts: list[str], expected: str) -> None:
    assert told(*texts) == [("DROPS", expected)]


def test_filling_a_column_that_was_just_added_loses_nothing_and_locks_the_rows() -> None:
    assert told("ALTER TABLE orders ADD a int, ADD b int; UPDATE orders SET a = 1, b = 2; UPDATE orders SET a = 1, c = 2") == [
        ("LOCKS", "locks every row of table orders against writes: fills columns a and b"),
        ("DROPS", "overwrites columns a and c in every row of table orders"),
    ]


@pytest.mark.parametrize(
    ("constraint", "against"),
    [("CHECK (a > 1)", "reads and writes"), ("FOREIGN KEY (a) REFERENCES users", "writes")],
)
def test_validating_under_the_lock_of_adding_is_told(constraint: str, against: str) -> None:
    add, validate = f"ALTER TABLE orders ADD CONSTRAINT c {constraint} NOT VALID", "ALTER TABLE orders VALIDATE CONSTRAINT c"
    why = "checks every row for constraint c, which the same transaction adds"
    assert told(f"{add};\n{validate}") == [("LOCKS", f"locks table orders against {against}: {why}")]
    assert told(add, validate) == []
    outside = hazards.of([migration(f"{add};\n{validate}", transactional=False)])
    assert [hazard.kind for hazard in outside] == [Kind.OUTSIDE]


def test_a_do_block_is_looked_into() -> None:
    block = """SELECT 1;
DO LANGUAGE plpgsql
$body$
DECLARE
  found record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM users) THEN
    ALTER TABLE orders
      DROP COLUMN total;
    EXECUTE 'TRUNCATE orders';
    EXECUTE format('DROP TABLE %I', 'orders');
  END IF;
  FOR found IN SELECT 1 LOOP
    DELETE FROM users;
  END LOOP;
EXCEPTION WHEN others THEN
  DROP TABLE orders;
END $body$;
"""
    assert [(hazard.line, hazard.text) for hazard in hazards.of([migration(block)])] == [
        (8, "drops column total of table orders, in a DO block"),
        (10, "empties table orders, in a DO block"),
        (14, "deletes every row of table users, in a DO block"),
        (17, "drops table orders, in a DO block"),
    ]
    assert [hazard.line for hazard in hazards.of([migration("SELECT 1;\nDO $$ BEGIN\nDROP TABLE a; END $$")])] == [3]


@pytest.mark.parametrize("block", ["DO LANGUAGE plpython3u 'drop table a'", "DO 'BEGIN nonsense'", "DO LANGUAGE plpgsql", "DO ''"])
def test_a_block_that_cannot_be_read_is_left_to_the_server(block: str) -> None:
    assert told(block) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY i ON a (b);\nVACUUM a", 2),
        ("VACUUM a", 1),
        ("REINDEX TABLE CONCURRENTLY orders", 1),
        ("ALTER SYSTEM SET work_mem = '1MB'", 1),
    ],
)
def test_a_migration_outside_a_transaction_is_told_once(text: str, line: int) -> None:
    what = "is not transactional: what was done before a failure stays"
    assert hazards.of([migration(text)]) == (Hazard("1_m", "m/1_m.sql", line, Kind.OUTSIDE, what),)


def test_a_file_that_asks_to_be_run_outside_a_transaction_is_told() -> None:
    found = hazards.of([migration("SELECT 1;\nVACUUM FULL orders;\nVACUUM FULL", transactional=False)])
    assert [(hazard.line, hazard.text) for hazard in found] == [
        (1, "is not transactional: what was done before a failure stays"),
        (2, "rewrites table orders: gives free space back"),
        (3, "rewrites every table: gives free space back"),
    ]


def test_what_runs_outside_a_transaction_and_drops_or_locks_is_told_twice() -> None:
    outside = ("OUTSIDE", "is not transactional: what was done before a failure stays")
    assert told("DROP DATABASE shop") == [outside, ("DROPS", "drops database shop")]
    assert told("REINDEX SCHEMA shop") == [outside, ("LOCKS", "locks one table after the other against writes: builds all indexes anew")]
    assert told("CLUSTER") == [outside, ("REWRITES", "rewrites every table that was clustered before")]


def test_a_script_that_the_parser_does_not_know_is_told_and_the_others_are_looked_at() -> None:
    broken = "SELECT 1;\nCREATE TABEL a (b int);\n"
    unknown = "was not looked at: the parser does not know its SQL, which has a mistake or is newer"
    assert hazards.of([migration(broken, 1), migration("DROP TABLE orders", 2)]) == (
        Hazard("1_m", "m/1_m.sql", 2, Kind.UNKNOWN, unknown),
        Hazard("2_m", "m/2_m.sql", 1, Kind.DROPS, "drops table orders"),
    )


def test_a_script_that_will_be_refused_is_told() -> None:
    assert hazards.of([migration("SELECT 1;\nCOMMIT;\nSELECT 2")]) == (
        Hazard(
            "1_m",
            "m/1_m.sql",
            2,
            Kind.UNKNOWN,
            "will be refused: COMMIT inside a migration, though each one runs in a transaction of its own",
        ),
    )


HARMFUL = [
    "ALTER TABLE {} ADD n serial",
    "ALTER TABLE {} ALTER a TYPE bigint, DROP b",
    "ALTER TABLE {} ADD CHECK (a > 1), ADD UNIQUE (a)",
    "ALTER TABLE {} ALTER a SET NOT NULL",
    "ALTER TABLE {} ADD c int DEFAULT random(); UPDATE {} SET c = 1; ALTER TABLE {} DROP c",
    "ALTER TABLE {} ADD CONSTRAINT v CHECK (a > 1) NOT VALID; ALTER TABLE {} VALIDATE CONSTRAINT v",
    "CREATE INDEX ON {} (a)",
    "CREATE INDEX i_{} ON {} (a); REINDEX INDEX i_{}",
    "CLUSTER {} USING i",
    "DELETE FROM {}",
    "DO $$ BEGIN DELETE FROM {}; END $$",
    "LOCK TABLE {}",
    "REINDEX TABLE {}",
    "TRUNCATE {} CASCADE",
    "UPDATE {} SET a = 1",
]

MAKING = [
    "CREATE TABLE {} (a int, b int)",
    "CREATE UNLOGGED TABLE {} AS SELECT 1 AS a, 2 AS b",
    "SELECT 1 AS a, 2 AS b INTO {}",
    "CREATE TABLE x_{} (a int, b int); ALTER TABLE x_{} RENAME TO {}",
    "CREATE TABLE s.{} (a int, b int); ALTER TABLE s.{} SET SCHEMA public",
]

harm = st.lists(st.tuples(st.sampled_from(HARMFUL), st.sampled_from(["old_a", "old_b", "new_a", "new_b"])), max_size=8)


@given(st.sampled_from(MAKING), st.sampled_from(MAKING), harm, st.integers(1, 4))
def test_nothing_is_ever_said_of_a_made_table_and_all_is_said_of_an_old_one(
    first: str, second: str, statements: list[tuple[str, str]], size: int
) -> None:
    def scripts(steps: list[tuple[str, str]]) -> list[str]:
        texts = [text.replace("{}", table) for text, table in steps]
        return [";\n".join(texts[start : start + size]) for start in range(0, len(texts), size)]

    made = [(first, "new_a"), (second, "new_b")]
    old_alone = [step for step in statements if step[1].startswith("old")]
    found = told(*scripts([*made, *statements, ("DROP TABLE {}", "new_a"), ("DROP TABLE {}", "new_b")]))
    assert [text for _, text in found if "new_" in text] == []
    each = [hazard for text in old_alone for hazard in told(text[0].replace("{}", text[1]))]
    assert found == each
