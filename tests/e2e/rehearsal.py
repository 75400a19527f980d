"""A migration that would break what the tap's own program sends is refused while that program writes; without it, it isn't."""

import json
import os
import shutil
import unittest

from lab import TapSim, report, run_command, sql, work_directory

MINE = "INSERT INTO pours (client_tx_id, volume_ml) VALUES (?, ?)"
POSITIONAL = f"INSERT INTO pours VALUES ({', '.join('?' * 13)})"


class Rehearsal(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.journal = os.path.join(self.directory, "local_journal.db")
        self.config = os.path.join(self.directory, "agent.toml")
        TapSim(self.directory, self.journal, "tap", release="gen8", create=True, count=30).run()

    def register(self, *statements):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f"writer_statements = {json.dumps(statements)}\n")

    def verb(self, name, *more, program="tapline-agent"):
        options = ["journal", name, self.journal, "--config", self.config, "--json", *more]
        done = run_command(program, options, timeout_s=60)
        return done.returncode, json.loads(done.stdout)

    def files(self):
        return sorted(os.listdir(self.directory))

    def test_what_agent_toml_registers_stops_an_adoption_beside_the_tap(self):
        self.register(MINE, POSITIONAL)
        code, told = self.verb("check")
        self.assertEqual((code, told["problem"]), (1, "breaks_writer"), told)
        tap = TapSim(self.directory, self.journal, "busy", release="gen8", rate=100, seconds=60, seed=3)
        tap.start()
        code, told = self.verb("adopt")
        self.assertEqual(code, 3, told)
        self.assertEqual(told["error"]["kind"], "breaks_writer")
        self.assertIn("registered statement 2", told["error"]["message"])
        self.assertIn(POSITIONAL, told["error"]["message"])
        self.assertIn("Nothing was changed", told["error"]["hint"])
        left = sql(self.journal, "SELECT name FROM sqlite_schema WHERE name LIKE 'tapline%'")
        self.assertEqual(left, [])
        self.assertEqual([name for name in self.files() if "tapline-copy" in name or "backup" in name], [])

        self.register(MINE)
        code, told = self.verb("adopt")
        self.assertEqual(code, 0, told)
        self.assertNotIn("findings", told)
        tap.stop()
        written = [line["id"] for line in tap.lines()]
        rows = {row[0] for row in sql(self.journal, "SELECT client_tx_id FROM pours")}
        self.assertTrue(set(written) <= rows)
        report(f"refused, then adopted beside a tap that wrote {len(written)} pours meanwhile")

    def test_a_positional_insert_that_works_still_is_a_finding(self):
        self.register(MINE)
        self.assertEqual(self.verb("adopt")[0], 0)
        sql_file = os.path.join(self.directory, "tap.sql")
        with open(sql_file, "w", encoding="utf-8") as out:
            out.write(f"-- one of seventeen\nINSERT INTO pours VALUES (NULL, {', '.join('?' * 16)});\n")
        code, told = self.verb("check", "--writer-sql", sql_file)
        self.assertEqual((code, told["problem"]), (1, "positional_insert"), told)
        self.assertEqual([each["object"] for each in told["findings"]], ["registered statement 2"])
        self.assertEqual(self.verb("check")[0], 0)

    def test_a_setting_that_is_no_such_statement_stops_a_migration_and_no_look_at_the_file(self):
        self.register("DROP TABLE pours")
        code, told = self.verb("adopt")
        self.assertEqual((code, told["error"]["kind"]), (2, "writer_sql"))
        options = ["journal", "check", self.journal, "--json"]
        done = run_command("tapline-agent", options, env={"TAPLINE_CONFIG": self.config})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("settings", [each["object"] for each in json.loads(done.stdout)["findings"]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
