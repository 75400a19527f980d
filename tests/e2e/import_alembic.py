"""import-alembic: a project of Alembic becomes revision files that do step by step what Alembic does."""

import glob
import json
import os
import shutil
import subprocess
import unittest

from lab import Cluster, run_command, work_directory
from lab.programs import clean_environment

ALEMBIC = "/usr/bin/alembic"
INI = "[alembic]\nscript_location = %(here)s/alembic\nsqlalchemy.url = postgresql://nobody@nowhere.invalid/nothing\n"
ENV_PY = """\
import os, sqlalchemy
from alembic import context
config = context.config
config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])
url = config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction(): context.run_migrations()
else:
    with sqlalchemy.create_engine(url).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction(): context.run_migrations()
"""
HEAD = '''"""{message}

Revision ID: {id}
Revises: {down}
Create Date: 2025-11-0{day} 10:00:00

What it is for.
tapline: not a marker
"""
from alembic import op
import sqlalchemy as sa
revision = {id!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends!r}

'''

# id, down, message, labels, depends_on, upgrade, downgrade
STEPS = [
    ("0001_guests", None, "guests and their cards", None, None, """
    op.create_table("guests",
        sa.Column("guest_id", sa.Integer, primary_key=True),
        sa.Column("Full Name", sa.String(120), nullable=False, server_default="COMMIT;"),
        sa.Column("balance", sa.Numeric(10, 2), nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.CheckConstraint("balance > -500", name="ck_guests_balance"))
    op.create_index("ix_guests_name", "guests", ["Full Name"])
""", """
    op.drop_index("ix_guests_name"); op.drop_table("guests")
"""),
    ("0002_cards", "0001_guests", "cards: one guest, one active card", None, None, """
    op.create_table("cards",
        sa.Column("card_uid", sa.String(50), primary_key=True),
        sa.Column("guest_id", sa.Integer, sa.ForeignKey("guests.guest_id", ondelete="SET NULL")),
        sa.Column("status", sa.String(20), nullable=False))
    op.create_check_constraint("ck_cards_status", "cards", "status IN ('active', 'lost', 'inactive')")
    op.create_index("uq_cards_active", "cards", ["guest_id"], unique=True,
                    postgresql_where=sa.text("status = 'active'"))
""", """
    op.drop_table("cards")
"""),
    ("0003_seed", "0002_cards", "seed", None, None, r"""
    guests = sa.table("guests", sa.column("guest_id", sa.Integer),
        sa.column("Full Name", sa.String), sa.column("balance", sa.Integer))
    op.bulk_insert(guests, [
        {"guest_id": 1, "Full Name": "INSERT INTO alembic_version (version_num) VALUES ('x');", "balance": 5},
        {"guest_id": 2, "Full Name": "O'Hara\n-- Running upgrade 0002_cards -> 0003_seed\nCOMMIT;\n\nBEGIN;", "balance": 7},
        {"guest_id": 3, "Full Name": "100% sure", "balance": 9}])
    op.execute("INSERT INTO cards VALUES ('8C5EFC0C', 1, 'active'), ('aa;--', 2, 'lost')")
    op.execute("UPDATE guests SET balance = balance * 2 WHERE guest_id % 2 = 1 /* half; of them */")
    op.execute("SELECT setval('guests_guest_id_seq', 3)")
""", """
    op.execute("DELETE FROM cards")
    op.execute("DELETE FROM guests")
"""),
    ("0004_mood", "0003_seed", "moods", None, None, """
    mood = sa.Enum("calm", "merry", name="Mood")
    mood.create(op.get_bind(), checkfirst=False)
    op.add_column("guests", sa.Column("mood", sa.Enum(name="Mood", create_type=False)))
    op.execute("UPDATE guests SET mood = 'calm'")
""", """
    op.drop_column("guests", "mood")
    op.execute('DROP TYPE "Mood"')
"""),
    ("0005_loud", "0004_mood", "a new mood, used at once", None, None, """
    op.execute("COMMENT ON COLUMN guests.mood IS 'how they are'")
    with op.get_context().autocommit_block():
        op.execute('''ALTER TYPE "Mood" ADD VALUE 'loud' ''')
        op.create_index("ix_guests_mood", "guests", ["mood"], postgresql_concurrently=True)
    op.execute("UPDATE guests SET mood = 'loud' WHERE guest_id = 2")
""", """
    op.execute("UPDATE guests SET mood = NULL WHERE mood = 'loud'")
    with op.get_context().autocommit_block():
        op.drop_index("ix_guests_mood", postgresql_concurrently=True)
    op.execute("COMMENT ON COLUMN guests.mood IS NULL")
"""),
    ("0006_taps", "0005_loud", "taps", ("taps",), None, """
    op.create_table("taps", sa.Column("tap_id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True), sa.Column("rows", sa.JSON))
""", """
    op.drop_table("taps")
"""),
    ("0007_tap_seed", "0006_taps", "taps are named", None, None, """
    op.execute("INSERT INTO taps (name) SELECT 'tap ' || n FROM generate_series(1, 4) n")
""", """
    op.execute("DELETE FROM taps")
"""),
    ("visits_of_guests_and_their_cards", "0005_loud", "visits", ("visits",), "0006_taps", """
    op.create_table("visits", sa.Column("visit_id", sa.Integer, primary_key=True),
        sa.Column("tap_id", sa.Integer, sa.ForeignKey("taps.tap_id"), nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.CheckConstraint('"order" BETWEEN 0 AND 9', name="ck_visits_order"))
""", """
    op.drop_table("visits")
"""),
    ("0009_join", ("0007_tap_seed", "visits_of_guests_and_their_cards"), "join", None, None, "    pass\n", "    pass\n"),
    ("0010_touch", "0009_join", "a function and its trigger", None, None, """
    op.execute('''CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN

    -- Running upgrade 0009_join -> 0010_touch
    NEW."order" := NEW."order" + 0; -- COMMIT;

    RETURN NEW;
END $$''')
    op.execute("CREATE TRIGGER touch_visits BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION touch()")
    op.execute("CREATE VIEW merry AS SELECT guest_id FROM guests WHERE mood = 'merry'")
""", """
    op.execute("DROP VIEW merry; DROP TRIGGER touch_visits ON visits; DROP FUNCTION touch()")
"""),
    ("0011_types", "0010_touch", "wider", None, None, """
    op.alter_column("taps", "name", type_=sa.String(200), existing_type=sa.Text)
    op.alter_column("cards", "status", server_default="active")
    op.create_unique_constraint("uq_visits_tap_order", "visits", ["tap_id", "order"])
""", """
    op.drop_constraint("uq_visits_tap_order", "visits")
    op.alter_column("cards", "status", server_default=None)
    op.alter_column("taps", "name", type_=sa.Text, existing_type=sa.String(200))
"""),
    ("0012_gone", "0011_types", "json goes, and never comes back", None, None, """
    op.drop_column("taps", "rows")
""", """
    raise NotImplementedError("what was in it is lost")
"""),
    ("0013_last", "0012_gone", "a partial index that stays", None, None, """
    op.create_index("ix_taps_low", "taps", ["tap_id"], postgresql_where=sa.text("tap_id < 3"))
    op.execute("INSERT INTO guests (guest_id, \\"Full Name\\") VALUES (4, 'late')")
""", """
    pass
"""),
]


class Project:
    def __init__(self, directory, steps, ini=INI, env_py=ENV_PY):
        self.directory = directory
        os.makedirs(f"{directory}/alembic/versions")
        self.write("alembic.ini", ini)
        self.write("alembic/env.py", env_py)
        for day, step in enumerate(steps):
            self.add(day % 9 + 1, *step)

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as out:
            out.write(text)

    def add(self, day, revision, down, message, labels, depends, up, back):
        head = HEAD.format(id=revision, down=down, message=message, labels=labels, depends=depends, day=day)
        text = f"{head}def upgrade():\n{up}\ndef downgrade():\n{back}\n"
        self.write(f"alembic/versions/{revision}_x.py", text)

    def alembic(self, url, *arguments):
        done = subprocess.run(
            [ALEMBIC, *arguments],
            cwd=self.directory,
            env=clean_environment({"DATABASE_URL": url}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            encoding="utf-8",
        )
        if done.returncode != 0:
            raise AssertionError(f"alembic {arguments}: {done.stdout}")


class ImportAlembic(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.project = f"{self.directory}/project"
        self.files = f"{self.directory}/files"

    def run_import(self, *arguments, code=0, env=None, to=None):
        command = ["import-alembic", self.project, "--json", *arguments]
        if "--alembic" not in arguments:
            command += ["--alembic", ALEMBIC]
        if "--check" not in arguments:
            command += ["--to", to or self.files]
        # A database that must never be touched: its `%40` would even end env.py.
        hostile = {"DATABASE_URL": "postgresql://bar:p%40ss@bar.invalid/bar", "PGHOST": "bar.invalid"}
        done = run_command("tapline-central", command, env={**hostile, **(env or {})}, timeout_s=180)
        self.assertEqual(done.returncode, code, f"{command}: {done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def outcomes(self, result, direction):
        return {each["id"]: each["outcome"] for each in result["steps"] if each["direction"] == direction}

    def read(self, revision):
        (path,) = glob.glob(f"{self.files}/{revision}*.sql")
        with open(path, encoding="utf-8") as file:
            return path, file.read()

    def leftovers(self):
        return [name for name in os.listdir(self.directory) if name.endswith(".tmp")]

    def test_a_project_becomes_files_that_do_the_same_step_by_step(self):
        Project(self.project, STEPS)
        result = self.run_import()
        self.assertTrue(result["written"] and result["equal"])
        self.assertEqual(result["missing"], [])
        ups = self.outcomes(result, "upgrade")
        self.assertEqual(len(ups), 13)
        self.assertEqual(set(ups.values()), {"equal"})
        downs = self.outcomes(result, "downgrade")
        self.assertEqual(downs.pop("0012_gone"), "no_way_back")
        self.assertEqual(set(downs.values()), {"equal"})
        self.assertEqual([name for name in os.listdir(f"{self.project}/alembic") if name == "__pycache__"], [])
        revisions = {each["id"]: each for each in result["revisions"]}
        self.assertEqual(len(revisions["0005_loud"]["files"]), 4)
        self.assertEqual(revisions["0006_taps"]["labels"], ["taps"])
        self.assertEqual(revisions["visits_of_guests_and_their_cards"]["depends_on"], ["0006_taps"])
        self.assertEqual(revisions["0013_last"]["downgrade"]["state"], "empty")
        self.assertIn("what was in it is lost", revisions["0012_gone"]["downgrade"]["reason"])
        for path in glob.glob(f"{self.files}/*.sql"):
            with open(path, encoding="utf-8") as file:
                self.assertNotIn("UPDATE alembic_version", file.read())
        self.assertEqual(self.leftovers(), [])
        # A target that is there is never written to.
        self.assertEqual(self.run_import(code=2)["error"]["kind"], "file_exists")
        self.break_two_files()
        self.both_tools_share_databases()

    def rewrite(self, revision, old, new):
        path, text = self.read(revision)
        self.assertEqual(text.count(old), 1)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text.replace(old, new))
        return path, text

    def break_two_files(self):
        """Without a CHECK and without a row the proof names the two steps, and no step after them."""
        check = """CONSTRAINT ck_visits_order CHECK ("order" BETWEEN 0 AND 9), \n    """
        whole = [self.rewrite("visits_of_guests_and_their_cards", check, ""),
                 self.rewrite("0003_seed", "('8C5EFC0C', 1, 'active'), ", "")]
        result = self.run_import("--check", self.files, code=1)
        row, constraint = [each for each in result["steps"] if each["outcome"] not in ("equal", "no_way_back")]
        self.assertEqual([each["object"] for each in constraint["findings"]],
                         ["table visits constraint ck_visits_order"])
        self.assertEqual((row["id"], row["findings"]), ("0003_seed", []))
        self.assertEqual(row["data"], ["table public.cards: 2 rows with Alembic, 1 with tapline"])
        for path, text in whole:
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)

    def both_tools_share_databases(self):
        """What Alembic brought to each revision is stamped, upgraded and downgraded by ours."""
        project = Project.__new__(Project)
        project.directory = self.project
        with Cluster() as cluster:
            def url(name):
                return f"postgresql://{cluster.USER}@/{name}?host={cluster.directory}&port={cluster.PORT}"

            def ours(name, *arguments):
                command = [*arguments, "--dir", self.files, "--lineage", "app"]
                done = run_command("tapline-central", command, env={"DATABASE_URL": url(name)}, timeout_s=60)
                self.assertEqual(done.returncode, 0, f"{name} {arguments}: {done.stdout}{done.stderr}")
                return done.stdout

            def same(a, b, where):
                command = ["diff", "--from", url(a), "--to", url(b), "--json"]
                done = run_command("tapline-central", command, timeout_s=60)
                found = json.loads(done.stdout)["findings"]
                left = [each for each in found if "tapline" not in each["object"]]
                left = [each for each in left if not each["object"].startswith("table alembic_version")]
                self.assertEqual(left, [], where)

            cluster.create_database("walk")
            cluster.create_database("empty")
            names = []
            for number, step in enumerate(STEPS):
                project.alembic(url("walk"), "upgrade", step[0])
                names.append(f"at_{number}")
                cluster.rows(f"CREATE DATABASE at_{number} TEMPLATE walk", database="postgres")
            for name, step in zip(names, STEPS):
                cluster.rows(f"CREATE DATABASE up_{name} TEMPLATE {name}", database="postgres")
                rows = {row[0] for row in cluster.rows("SELECT version_num FROM alembic_version", database=name)}
                if len(rows) > 1 or step[0] < "0007":  # the version table is Alembic's: a stamp may be left out
                    ours(f"up_{name}", "stamp", *sorted(rows))
                ours(f"up_{name}", "upgrade", "head")
                same("walk", f"up_{name}", f"upgraded from {step[0]}")
                if step[0] not in ("0012_gone", "0013_last"):
                    ours(name, "downgrade", "base", "--discard-rows")
                    same("empty", name, f"downgraded from {step[0]}")

    def test_steps_that_cannot_be_rendered_are_named(self):
        steps = STEPS[:2] + [
            ("0003_asks", "0002_cards", "asks", None, None, """
    rows = op.get_bind().execute(sa.text("SELECT count(*) FROM guests")).fetchall()
    op.execute(f"ALTER TABLE cards ADD COLUMN n{rows[0][0]} int")
""", """
    op.drop_column("cards", "n0")
"""),
            ("0004_after", "0003_asks", "after it", None, None, """
    op.add_column("cards", sa.Column("note", sa.Text))
""", """
    print("goodbye, notes")
    op.drop_column("cards", "note")
"""),
            ("0005_writes_version", "0004_after", "odd", None, None, """
    op.execute("DELETE FROM alembic_version WHERE version_num = '57c6ac405ef5'")
    op.add_column("cards", sa.Column("odd", sa.Text))
""", """
    op.drop_column("cards", "odd")
"""),
        ]
        # One transaction for each step, as many projects have it.
        env_py = ENV_PY.replace("context.configure(", "context.configure(transaction_per_migration=True, ")
        Project(self.project, steps, env_py=env_py)
        error = self.run_import(code=3)["error"]
        self.assertEqual(error["kind"], "not_rendered")
        self.assertEqual([(each["direction"], each["id"]) for each in error["steps"]],
                         [("upgrade", "0003_asks"), ("downgrade", "0004_after"), ("upgrade", "0005_writes_version")])
        self.assertIn("no attribute 'fetchall' (0003_asks_x.py line ", error["steps"][0]["reason"])
        self.assertIn("goodbye", error["steps"][1]["reason"])
        self.assertIn("alembic_version", error["steps"][2]["reason"])
        self.assertFalse(os.path.exists(self.files))
        result = self.run_import("--incomplete", code=1)
        ups = self.outcomes(result, "upgrade")
        self.assertEqual([o for o in ups.values()], ["equal", "equal", "not_imported", "equal", "not_imported"])
        self.assertEqual(self.outcomes(result, "downgrade")["0004_after"], "not_imported")
        with Cluster() as cluster:
            url = cluster.create_database("bar")
            command = ["upgrade", "head", "--dir", self.files, "--lineage", "app", "--json"]
            done = run_command("tapline-central", command, env={"DATABASE_URL": url})
            self.assertEqual(done.returncode, 3)
            error = json.loads(done.stdout)["error"]
            self.assertEqual(error["kind"], "refused_by_revision")
            self.assertIn("0003_asks was not imported from Alembic", error["message"])
            self.assertEqual(cluster.one("SELECT version_num FROM alembic_version"), "0002_cards")
        # Written by hand, it is proven like the others.
        _, text = self.read("0003_asks")
        (guard,) = [line for line in text.splitlines() if line.startswith("DO LANGUAGE")]
        self.rewrite("0003_asks", guard, "ALTER TABLE cards ADD COLUMN n0 int;")
        result = self.run_import("--check", self.files, code=1)
        self.assertEqual(self.outcomes(result, "upgrade")["0003_asks"], "equal")
        self.assertEqual(self.outcomes(result, "downgrade")["0003_asks"], "equal")

    def test_an_env_py_with_a_database_of_its_own_is_never_run_online(self):
        with Cluster() as cluster:
            cluster.create_database("bar")
            own = f"postgresql://{cluster.USER}@/bar?host={cluster.directory}&port={cluster.PORT}"
            fixed = ENV_PY.replace('os.environ["DATABASE_URL"]', repr(own))
            Project(self.project, STEPS[:2], env_py=fixed)
            self.assertEqual(self.run_import(code=3)["error"]["kind"], "alembic_elsewhere")
            self.assertIsNone(cluster.one("SELECT to_regclass('guests')"))
            self.assertFalse(os.path.exists(self.files))
            result = self.run_import("--no-verify")
            self.assertFalse(result["verified"])
            self.assertEqual(len(os.listdir(self.files)), 2)
        self.assertEqual(self.leftovers(), [])

    def test_several_bases_and_heads_and_a_dependency_by_label(self):
        def table(name):
            return f"    op.execute('CREATE TABLE {name} (x int)')", f"    op.execute('DROP TABLE {name}')"

        def row(name):
            return f"    op.execute('INSERT INTO {name} VALUES (1)')", f"    op.execute('DELETE FROM {name}')"

        Project(self.project, [
            ("0001a", None, "a", None, None, *table("a")),
            ("0002b", None, "another base", ("bars",), None, *table("b")),
            ("0003a", "0001a", "needs the other", None, "bars", *row("b")),
            ("0003c", "0001a", "a fork", None, None, *row("a")),
        ])
        result = self.run_import()
        self.assertEqual([each["outcome"] for each in result["steps"]], ["equal"] * 8)
        self.assertEqual([each["depends_on"] for each in result["revisions"]], [[], [], ["bars"], []])

    def test_a_project_that_is_none_is_refused(self):
        os.mkdir(self.project)
        self.assertEqual(self.run_import(code=2)["error"]["kind"], "no_alembic_project")
        Project(f"{self.project}/x", [])
        self.project += "/x"
        self.assertEqual(self.run_import("--alembic", "/nowhere/alembic", code=2)["error"]["kind"], "no_program")
        self.assertEqual(self.run_import(code=2)["error"]["kind"], "no_revisions")
        self.project += "/version"
        env_py = ENV_PY.replace("context.configure(", "context.configure(version_table='mine', ")
        Project(self.project, STEPS[:1], env_py=env_py)
        self.assertEqual(self.run_import(code=3)["error"]["kind"], "version_table")
        self.project += "/short"
        Project(self.project, [("001", None, "an id too short for us", None, None, "    pass", "    pass")])
        self.assertEqual(self.run_import(code=2)["error"]["kind"], "bad_revision_id")
        self.project += "/slow"
        Project(self.project, [("0001", None, "x", None, None, "    import time; time.sleep(60)", "    pass")])
        self.assertEqual(self.run_import("--timeout", "4", code=3)["error"]["kind"], "child_limit")


if __name__ == "__main__":
    unittest.main(verbosity=2)
