"""What the verbs print and return: the shapes and exit codes that scripts of operators rely on."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from lab import Cluster, free_port, run_command, sql, work_directory
from lab.programs import TapSim, program


class JournalVerbs(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.journal = os.path.join(self.directory, "local_journal.db")

    def pours(self, release, count):
        TapSim(self.directory, self.journal, f"tap-{release}", release=release, create=True, count=count).run()

    def verb(self, *arguments):
        done = run_command("tapline-agent", ["journal", *arguments])
        return done.returncode, done.stdout, done.stderr

    def json_of(self, *arguments, code=0):
        rc, out, err = self.verb(*arguments, self.journal, "--json")
        self.assertEqual(rc, code, f"{arguments}: {out}{err}")
        self.assertEqual(out.count("\n"), 1, "one JSON document on one line")
        return json.loads(out)

    def test_adopt_tells_what_it_found_and_the_second_time_that_nothing_is_left(self):
        self.pours("gen5", 3)
        sql(self.journal, "UPDATE pours SET status = 'confirmed' WHERE rowid = 1")
        first = self.json_of("adopt")
        self.assertEqual(first["recognised"], "gen5")
        self.assertEqual(first["rows"], {"new": 2, "confirmed": 1})
        self.assertEqual(first["adopted_through"], 3)
        self.assertTrue(os.path.exists(first["backup"]))
        again = self.json_of("adopt")
        self.assertEqual((again["recognised"], again["backup"]), (first["head"], None))
        rc, out, _ = self.verb("adopt", self.journal)
        self.assertEqual(rc, 0)
        self.assertIn("nothing to do", out)
        self.assertEqual(self.json_of("current"), {"current": first["head"], "head": first["head"], "is_head": True})
        self.assertEqual([line["direction"] for line in self.json_of("history")["history"]][-1:], ["upgrade"])

    def test_down_and_up_again_keep_every_row(self):
        self.pours("gen8", 5)
        self.json_of("adopt")
        rc, out, err = self.verb("downgrade", self.journal, "gen8")
        self.assertEqual(rc, 0, out + err)
        self.assertEqual(self.json_of("current")["current"], "gen8")
        rc, out, err = self.verb("upgrade", self.journal)
        self.assertEqual(rc, 0, out + err)
        check = self.json_of("check")
        self.assertEqual((check["adopted"], check["problem"], check["rows"]), (True, None, {"new": 5}))

    def test_an_unknown_shape_is_5_with_the_differences_and_keeps_every_byte(self):
        self.pours("gen8", 2)
        sql(self.journal, "ALTER TABLE pours ADD COLUMN mood TEXT")
        with open(self.journal, "rb") as file:
            before = file.read()
        error = self.json_of("adopt", code=5)["error"]
        self.assertEqual(error["kind"], "unknown_shape")
        self.assertIn({"object": "table pours column mood", "kind": "added"},
                      [{"object": d["object"], "kind": d["kind"]} for d in error["differences"]])
        with open(self.journal, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(self.json_of("check", code=5)["problem"], "unknown_shape")

    def test_what_is_no_database_or_no_file_is_said_so(self):
        with open(self.journal, "w", encoding="utf-8") as file:
            file.write("a letter to the landlord, and long enough for a page header. " * 20)
        self.assertEqual(self.json_of("adopt", code=5)["error"]["kind"], "not_a_database")
        os.remove(self.journal)
        self.assertEqual(self.json_of("check", code=2)["error"]["kind"], "no_such_file")
        rc, out, err = self.verb("chek", self.journal, "--json")
        self.assertEqual((rc, json.loads(out)["error"]["kind"]), (2, "usage"), err)

    def test_an_empty_name_is_a_mistake_in_the_command_line(self):
        for words in (["check"], ["tail"], ["adopt"], ["salvage"], ["upgrade"], ["export", "-o", "x"], ["stats"]):
            rc, out, err = self.verb(words[0], "", *words[1:], "--json")
            self.assertEqual((rc, json.loads(out)["error"]["kind"]), (2, "usage"), err)
            self.assertIn("names no file", json.loads(out)["error"]["message"])

    def test_drift_in_our_own_objects_is_a_finding(self):
        self.pours("gen8", 2)
        self.json_of("adopt")
        connection = sqlite3.connect(self.journal)
        name = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'tapline%' ORDER BY name"
        ).fetchone()[0]
        connection.execute(f'DROP TRIGGER "{name}"')
        connection.commit()
        connection.close()
        found = self.json_of("check", code=1)
        self.assertEqual(found["problem"], "drift")
        self.assertEqual([(d["object"], d["kind"]) for d in found["findings"]], [(f"trigger {name}", "removed")])


class Watching(unittest.TestCase):
    def test_a_watched_status_says_what_changes_and_ends_when_nobody_reads(self):
        directory = work_directory()
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        journal = os.path.join(directory, "local_journal.db")
        TapSim(directory, journal, "first", create=True, count=2).run()
        self.assertEqual(run_command("tapline-agent", ["journal", "adopt", journal]).returncode, 0)
        watch = subprocess.Popen(
            [program("tapline-agent"), "status", "--journal", journal, "--json", "--watch", "1"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.kill)
        self.assertEqual(json.loads(watch.stdout.readline())["journals"][0]["depth"], 2)
        TapSim(directory, journal, "second", count=3, seed=2).run()
        for line in watch.stdout:
            depth = json.loads(line)["journals"][0]["depth"]
            if depth != 2:
                break
        self.assertEqual(depth, 5)
        watch.stdout.close()
        self.assertNotEqual(watch.wait(timeout=30), 0)


class CentralVerbs(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.url = self.cluster.create_database("bar")

    def verb(self, *arguments, env=None):
        done = run_command("tapline-central", list(arguments), env=env or {"DATABASE_URL": self.url})
        return done.returncode, done.stdout, done.stderr

    def error_of(self, *arguments, code, env=None):
        rc, out, err = self.verb(*arguments, "--json", env=env)
        self.assertEqual(rc, code, out + err)
        error = json.loads(out)["error"]
        self.assertIn(error["message"].split("; ")[0], err)  # stderr may take several lines
        return error["kind"]

    def test_every_exit_code_has_its_reason(self):
        self.assertEqual(self.error_of("frob", code=2), "usage")
        self.assertEqual(self.error_of("current", "--frob", code=2), "usage")
        self.assertEqual(self.error_of("current", code=2, env={"TAPLINE_NONE": "1"}), "no_database")
        self.assertEqual(self.error_of("quarantine", "list", code=3), "behind_head")
        self.assertEqual(self.error_of("serve", code=3), "behind_head")
        secret = {"DATABASE_URL": "postgresql://bob@127.0.0.1:1/x?passwrod=s3cr3t@pw&zz=1"}
        rc, out, err = self.verb("current", "--json", env=secret)
        self.assertEqual(rc, 2, out + err)
        self.assertNotIn("s3cr3t", out + err)
        self.assertNotIn("pw&", out + err)
        gone = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        self.assertEqual(self.error_of("current", code=4, env=gone), "connect_failed")

    def hint_of(self, *arguments, code):
        rc, out, err = self.verb(*arguments, "--json")
        self.assertEqual(rc, code, out + err)
        error = json.loads(out)["error"]
        return error["kind"], error["message"] + "; " + error["hint"]

    def test_what_is_wrong_with_an_address_or_a_file_is_said_of_that_one(self):
        kind, said = self.hint_of("serve", "--metrics", "0.0.0.0:9464", code=3)
        self.assertEqual((kind, "--tls" in said), ("metrics_beyond_loopback", False), said)
        with tempfile.TemporaryDirectory() as directory:
            config = os.path.join(directory, "central.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write('metrics = "127.0.0.1:70000"\n')
            said = self.hint_of("serve", "--config", config, code=2)[1]
            self.assertIn(f"metrics in {config}", said)
            kind, said = self.hint_of("tls", "show", "--dir", directory, code=2)
            self.assertIn("tls init", said)
        self.json_of("upgrade")
        port = free_port()
        said = self.hint_of("serve", "--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{port}", code=4)[1]
        self.assertIn("choose another --metrics", said)

    def test_a_role_that_may_not_is_refused_and_nothing_is_done(self):
        connection = self.cluster.connect("bar")
        connection.cursor().execute("CREATE ROLE weak LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.close()
        weak = {"DATABASE_URL": self.url.replace("beer_user", "weak")}
        self.assertEqual(self.error_of("upgrade", code=3, env=weak), "insufficient_privilege")
        self.assertEqual(self.json_of("current")["current"], [])

    def json_of(self, *arguments):
        rc, out, err = self.verb(*arguments, "--json")
        self.assertEqual(rc, 0, out + err)
        return json.loads(out)

    def test_down_to_base_asks_before_it_drops_rows(self):
        steps = self.json_of("upgrade")["steps"]
        self.assertEqual([step["lineage"] for step in steps], ["app"] + ["tapline"] * (len(steps) - 1))
        connection = self.cluster.connect("bar")
        self.addCleanup(connection.close)
        connection.cursor().execute(
            "INSERT INTO beverages (beverage_id, name, sell_price_per_liter) VALUES (gen_random_uuid(), 'Pils', 9)"
        )
        self.assertEqual(self.error_of("downgrade", "base", code=3), "rows_would_go")
        after = self.json_of("downgrade", "base", "--discard-rows")
        self.assertEqual(after["current_after"], [])
        self.assertEqual(self.json_of("current")["current"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
