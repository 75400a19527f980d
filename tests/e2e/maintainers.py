"""Who may stamp, and what the application's role may do once a bar is under revisions."""

import os
import subprocess
import unittest

import psycopg2

from lab.pilot import PilotCase


class Maintainers(PilotCase):
    """With the real lineages, as roles that log in."""

    def setUp(self):
        super().setUp()
        for role in ("anna", "boris", "bar_app"):
            self.sql(f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")

    def own(self, *arguments, **options):
        return self.good(*arguments, files=False, **options)

    def no(self, kind, *arguments, **options):
        return self.refused(kind, *arguments, files=False, **options)

    def listed(self):
        return [each["role"] for each in self.own("maintainers")["maintainers"]]

    def test_only_maintainers_stamp(self):
        self.own("upgrade")
        self.assertEqual(self.listed(), [])
        error = self.no("not_a_maintainer", "stamp", "0001_m1_baseline", role="anna")
        self.assertIn("maintainers add anna", error["hint"])
        self.own("stamp", "0001_m1_baseline")
        self.assertEqual(self.listed(), [self.cluster.USER], "the first stamp begins the list")
        self.no("not_a_maintainer", "maintainers", "add", "anna", role="anna")
        self.assertEqual(self.own("maintainers", role="boris")["readable"], False)
        self.assertEqual(self.own("maintainers", "add", "anna")["left_to_do"], [])
        self.own("stamp", "--purge", "heads", role="anna")
        self.no("not_a_maintainer", "stamp", "--purge", "0001_m1_baseline", role="boris")
        who = self.sql("SELECT database_role FROM tapline.revision_log ORDER BY log_id DESC LIMIT 1")
        self.assertEqual(who, [("anna",)])
        self.assertEqual(self.own("check")["findings"], [], "what maintainers have is no drift")
        self.assertEqual(self.verb("maintainers", "remove", "boris", "--reason", "x", files=False)[0], 2)
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "made the cluster", role="anna")
        self.no("not_a_maintainer", "stamp", "0001_m1_baseline")
        self.no("last_maintainer", "maintainers", "remove", "anna", "--reason", "x", role="anna")
        kept = self.sql("SELECT role, removed_by, reason FROM tapline.maintainer ORDER BY maintainer_id")
        self.assertEqual(kept, [(self.cluster.USER, "anna", "made the cluster"), ("anna", None, None)])

    def test_the_database_itself_keeps_strangers_from_stamping(self):
        self.own("upgrade")
        self.own("maintainers", "add", "anna")
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "only began the list", role="anna")
        for statement in ("UPDATE tapline.alembic_version SET version_num = 'x'",
                          "UPDATE alembic_version SET version_num = 'x'",
                          "INSERT INTO tapline.maintainer (role, added_person) VALUES ('boris', 'x')",
                          "SELECT tapline.add_maintainer('boris', 'x')"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                self.sql(statement, user="boris")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT tapline.set_maintainer_rights('boris', true)", user="anna")
        # Even the owner of the table, as long as it leaves the trigger alone: it isn't on the list.
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("UPDATE tapline.maintainer SET reason = 'x', removed_by = 'x', removed_at = now()")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("DELETE FROM tapline.maintainer")
        # A role that anna may become doesn't make boris anna.
        self.sql("GRANT anna TO boris")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SET ROLE anna; SELECT tapline.add_maintainer('boris', 'x')", user="boris")
        self.sql("REVOKE anna FROM boris")

    def test_a_list_that_nobody_can_log_in_from_is_begun_anew(self):
        self.own("upgrade")
        self.sql("CREATE ROLE gone LOGIN")
        self.own("maintainers", "add", "gone")
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "only began the list", role="gone")
        self.no("not_a_maintainer", "stamp", "0001_m1_baseline")
        self.sql("ALTER ROLE gone NOLOGIN")
        self.own("stamp", "0001_m1_baseline")
        self.assertEqual(self.listed(), ["gone", self.cluster.USER])
        self.sql("DROP OWNED BY gone; DROP ROLE gone")

    def test_who_begins_the_list_with_somebody_else_is_on_it(self):
        self.own("stamp", "base")
        self.own("upgrade")
        added = self.own("maintainers", "add", "anna")
        self.assertEqual((added["added"], added["also_listed"]), ("anna", self.cluster.USER))
        self.assertEqual(self.listed(), [self.cluster.USER, "anna"])
        self.own("stamp", "heads")
        self.assertEqual(self.own("maintainers", "add", "boris", role="anna")["also_listed"], None)

    def test_the_whole_bar_is_not_stamped_base(self):
        self.own("upgrade", "--lineage", "app")
        other = ["--dir", self.files, "--lineage", "app"]
        for stamp in (["stamp", "--purge", "base"], ["stamp", "--purge", "base", *other]):
            error = self.no("not_equal", *stamp)
            self.assertIn("table pours", [each["object"] for each in error["findings"]])
        self.own("upgrade")
        self.assertIn("table tapline.receipt", [each["object"] for each in self.no(
            "not_equal", "stamp", "--purge", "base")["findings"]])

    def test_files_of_something_else_are_named_and_no_purge(self):
        self.own("upgrade", "--lineage", "app")
        wrong = self.folder("wrong", [("zzzz", "", "CREATE TABLE z (id int PRIMARY KEY);", "DROP TABLE z;")])
        code, out, err = self.verb("recognise", "--dir", wrong, files=False)
        self.assertEqual((code, out["command"]), (1, None), err)
        self.assertIn("are these the right files", out["lineages"][0]["message"])
        hint = self.no("unknown_revision", "upgrade", "--dir", wrong)["hint"]
        self.assertIn("are these the right files", hint)
        self.assertNotIn("purge", hint)
        self.assertEqual(self.verb("current", "--dir", wrong, files=False)[0], 1)

    def test_a_role_that_may_not_is_told_who_may(self):
        self.own("upgrade")
        for verb in (["upgrade"], ["check"]):
            error = self.no("insufficient_privilege", *verb, role="bar_app")
            self.assertIn(f"connect as {self.cluster.USER}", error["hint"])
            self.assertNotIn("grant it", error["hint"])

    def test_grants_proposes_an_owner_role_that_is_free(self):
        self.own("upgrade")
        self.sql("CREATE ROLE bar_owner LOGIN; CREATE TABLE extra (id int); ALTER TABLE extra OWNER TO bar_owner")
        hint = self.no("owner", "grants", "--app-role", "bar_owner")["hint"]
        self.assertIn("CREATE ROLE bar_owner2 NOLOGIN", hint)
        self.assertIn("REASSIGN OWNED BY bar_owner TO bar_owner2", hint)
        self.sql("DROP OWNED BY bar_owner; DROP ROLE bar_owner")

    def test_before_there_is_a_list_the_owner_stamps(self):
        self.sql(f"ALTER DATABASE {self.database} OWNER TO anna; GRANT CREATE ON SCHEMA public TO boris")
        error = self.no("not_a_maintainer", "stamp", "base", role="boris")
        self.assertIn("anna", error["hint"])
        self.own("stamp", "base", role="anna")
        self.sql(f"ALTER DATABASE {self.database} OWNER TO {self.cluster.USER}")

    def test_grants_takes_create_from_the_application_and_leaves_it_the_rows(self):
        self.own("upgrade")
        # As in the field: the application makes its tables itself.
        self.sql("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA public TO bar_app;"
                 f"GRANT CREATE ON DATABASE {self.database} TO bar_app; ALTER ROLE bar_app CREATEROLE")
        self.sql("CREATE TABLE by_create_all (id int)", user="bar_app")
        code, out, err = self.verb("check", files=False)
        self.assertEqual(code, 1)
        self.assertIn("table by_create_all", [each["object"] for each in out["findings"]])
        self.assertIn("no revision made by_create_all: was it the application's create_all?", err)
        self.assertIn("REASSIGN OWNED BY bar_app", self.no("owner", "grants", "--app-role", "bar_app")["hint"])
        self.sql("DROP TABLE by_create_all", user="bar_app")
        shown = self.own("grants", "--app-role", "bar_app", "--dry-run")
        self.assertFalse(shown["done"])
        self.sql("CREATE TABLE still (id int); DROP TABLE still", user="bar_app")
        self.assertEqual(self.own("grants", "--app-role", "bar_app")["statements"], shown["statements"])
        self.own("grants", "--app-role", "bar_app")
        for statement in ("CREATE TABLE by_create_all (id int)", "CREATE SCHEMA theirs", "CREATE ROLE friend",
                          "ALTER TABLE pours ADD x int", "TRUNCATE taps", "DROP TABLE taps",
                          "UPDATE alembic_version SET version_num = 'x'", "SELECT * FROM tapline.receipt"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                self.sql(statement, user="bar_app")
        self.sql("INSERT INTO taps (display_name, status) VALUES ('1', 'active'); UPDATE taps SET status = 'locked';"
                 "DELETE FROM taps; SELECT * FROM alembic_version", user="bar_app")
        # What a revision makes later is theirs to use, too.
        self.sql("CREATE TABLE later (id serial)")
        self.sql("INSERT INTO later DEFAULT VALUES; DELETE FROM later", user="bar_app")
        self.sql("DROP TABLE later")
        self.assertEqual(self.own("check")["findings"], [], "what grants gave is no drift")
        self.sql("GRANT TRUNCATE ON pours TO bar_app")
        self.assertEqual(self.verb("check", files=False)[0], 1, "what it didn't give is")
        self.own("grants", "--app-role", "bar_app")
        self.own("grants", "--app-role", "bar_app", "--revoke")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT * FROM taps", user="bar_app")
        self.assertEqual(self.own("check")["findings"], [])
        self.sql("ALTER ROLE bar_app NOCREATEROLE")

    def test_a_database_of_the_field_is_the_baseline_with_its_differences(self):
        self.own("upgrade", "0001_m1_baseline")
        self.sql("ALTER TABLE pours DROP price_per_ml_at_pour;"
                 "ALTER TABLE pours RENAME CONSTRAINT pours_keg_id_fkey TO fk_keg;"
                 "ALTER TABLE guests ALTER balance SET DEFAULT 0;"
                 "UPDATE alembic_version SET version_num = '57c6ac405ef5'; DROP SCHEMA tapline CASCADE")
        code, out, err = self.verb("recognise", files=False)
        app = out["lineages"][0]
        self.assertEqual((code, app["state"], app["equal"], app["nearest"]),
                         (1, "unknown", [], ["0001_m1_baseline"]), err)
        objects = ["table guests column balance", "table pours column price_per_ml_at_pour",
                   "table pours constraint fk_keg", "table pours constraint pours_keg_id_fkey"]
        self.assertEqual([each["object"] for each in app["findings"]], objects)
        self.assertEqual(out["lineages"][1]["state"], "fresh")
        # The SQL that is offered does it; what isn't only an addition waits for a person's decision.
        offered = {}
        for each in app["reconcile"]:
            offered.setdefault(each["object"], []).append(each)
        self.assertEqual(set(objects), set(offered), app["reconcile"])
        refused = self.verb("stamp", "--purge", "0001_m1_baseline", files=False)[1]["error"]
        self.assertEqual(refused["reconcile"], app["reconcile"])
        for name in ("table pours column price_per_ml_at_pour", "table pours constraint fk_keg"):
            for each in offered[name]:
                self.sql(each["sql"])
        default, = offered["table guests column balance"]
        self.assertTrue(default["decide"])
        self.assertIn("DROP DEFAULT", default["sql"])
        command = self.verb("recognise", files=False)[1]["command"]
        self.assertEqual(command, "tapline-central stamp --purge 0001_m1_baseline "
                                  "--accept 'table guests column balance=WHY'")
        self.run_it(command)
        self.own("upgrade")
        self.assertEqual(self.own("check")["findings"], [])
        self.sql("ALTER TABLE kegs DROP status, ADD extra int")
        for each in self.verb("check", "--sql", files=False)[1]["reconcile"]:
            self.sql(each["sql"] or "SELECT 1")
        self.assertEqual(self.own("check")["findings"], [])
        self.assertEqual(self.listed(), [], "the list came after the stamp, and was begun by nobody yet")

    def test_create_all_of_an_orm_is_stopped_by_grants_and_only_where_it_would_create(self):
        script = ("import os, sqlalchemy as sa\n"
                  "m = sa.MetaData()\n"
                  "sa.Table('taps', m, sa.Column('tap_id', sa.Integer, primary_key=True))\n"
                  "if os.environ['MORE']: sa.Table('loyalty', m, sa.Column('id', sa.Integer, primary_key=True))\n"
                  "m.create_all(sa.create_engine(os.environ['URL']))\n")

        def create_all(more):
            url = self.as_role("bar_app").replace("postgresql://", "postgresql+psycopg2://")
            return subprocess.run(["/usr/bin/python3", "-c", script], env={**os.environ, "MORE": more, "URL": url},
                                  stderr=subprocess.PIPE, timeout=60, check=False, encoding="utf-8")

        self.own("upgrade")
        self.own("grants", "--app-role", "bar_app")
        self.assertEqual(create_all("").returncode, 0)
        self.assertIn("permission denied for schema public", create_all("more").stderr)
        self.assertEqual(self.own("check")["findings"], [])

    def test_a_guard_that_is_switched_off_is_drift(self):
        self.own("upgrade")
        self.sql("ALTER TABLE tapline.maintainer DISABLE TRIGGER maintainer_guard")
        code, out, err = self.verb("check", files=False)
        self.assertEqual((code, [each["object"] for each in out["findings"]]),
                         (1, ["trigger maintainer_guard on tapline.maintainer"]), err)

    def test_the_list_goes_and_comes_with_its_revision(self):
        self.own("upgrade")
        self.own("maintainers", "add", "anna")
        self.own("downgrade", "t0001_settling")
        self.assertEqual(self.own("maintainers")["list_kept"], False)
        self.own("upgrade")
        self.assertEqual(self.listed(), [])

    def test_grants_says_what_to_do_where_nothing_can_be_taken(self):
        self.no("no_list", "grants", "--app-role", "bar_app")
        self.own("upgrade")
        self.assertIn("CREATE ROLE bar_app", self.no("superuser", "grants", "--app-role", self.cluster.USER)["hint"])
        self.assertEqual(self.verb("grants", "--app-role", "nobody", files=False)[0], 2)
        self.own("maintainers", "add", "bar_app")
        self.own("maintainers", "add", "anna", role="bar_app")
        self.assertIn("maintainers remove bar_app", self.no("is_maintainer", "grants", "--app-role", "bar_app")["hint"])
        self.own("maintainers", "remove", "bar_app", "--reason", "the application", role="anna")
        self.sql("CREATE ROLE makers; GRANT CREATE ON SCHEMA public TO makers; GRANT makers TO bar_app")
        error = self.no("still_creates", "grants", "--app-role", "bar_app")
        self.assertIn("makers", error["hint"])
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT * FROM taps", user="bar_app")
        self.sql("REVOKE makers FROM bar_app; DROP OWNED BY makers; DROP ROLE makers")
        self.own("grants", "--app-role", "bar_app")


if __name__ == "__main__":
    unittest.main(verbosity=2)
