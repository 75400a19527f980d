"""The verbs on revision files: they write files and tell steps without any database."""

import concurrent.futures
import json
import os
import re
import shutil
import unittest

from lab import run_command, work_directory


class RevisionVerbs(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def ours(self, *arguments, code=0):
        done = run_command("tapline-central", [*arguments, "--dir", self.directory])
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.ours(*arguments, "--json").stdout)

    def error(self, *arguments):
        """The error on stdout: one plain line, and exit code 2."""
        error = json.loads(self.ours(*arguments, "--json", code=2).stdout)["error"]
        self.assertNotIn("\n", error["message"])
        self.assertTrue(error["hint"])
        return error

    def kind(self, *arguments):
        return self.error(*arguments)["kind"]

    def new(self, revision, *arguments):
        return self.json("revision", "-m", f"about {revision}", "--rev-id", revision, *arguments)

    def graph(self):
        """root <- lef1 (left) <- lef2; root <- rig1 (right), which depends on lef1."""
        self.new("root")
        self.new("lef1", "--branch-label", "left")
        self.new("lef2")
        self.new("rig1", "--head", "root", "--splice", "--branch-label", "right", "--depends-on", "lef1")

    def steps(self, verb, target, current, *arguments):
        found = self.json(verb, *target.split(), "--show-steps", "--current", current, *arguments)
        return [each["id"] for each in found["steps"]], found["current_after"]

    def files(self):
        return sorted(os.listdir(self.directory))

    def read(self, name):
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            return file.read()

    def test_revision_writes_a_file_that_is_the_new_head(self):
        first = self.json("revision", "-m", "Guests: get a nickname!")
        self.assertRegex(first["id"], r"^[0-9a-f]{12}$")
        self.assertEqual(self.files(), [f"{first['id']}_guests_get_a_nickname.sql"])
        second = self.json("revision", "-m", "and lose it", "--phase", "contract")
        self.assertEqual(second["revises"], [first["id"]])
        text = self.read(os.path.basename(second["file"]))
        self.assertRegex(text, rf"^-- and lose it\n-- Revision ID: {second['id']}\n-- Revises: {first['id']}\n")
        self.assertIn("-- Phase: contract\n", text)
        heads = self.json("heads")["revisions"]
        self.assertEqual([(each["id"], each["phase"]) for each in heads], [(second["id"], "contract")])

    def test_revision_takes_sql_from_files_and_stdin(self):
        sections = "-- tapline: upgrade\nCREATE TABLE a (b int);\n-- tapline: downgrade\nDROP TABLE a;\n"
        path = os.path.join(self.directory, "sections.txt")
        with open(path, "w", encoding="utf-8") as out:
            out.write(sections)
        self.new("aaaa", "--sql", path)
        self.assertTrue(self.read("aaaa_about_aaaa.sql").endswith(sections))
        arguments = ["revision", "-m", "gone", "--rev-id", "bbbb", "--sql", "-", "--irreversible", "the data is gone"]
        done = run_command("tapline-central", [*arguments, "--dir", self.directory], stdin="DROP TABLE a;")
        self.assertEqual(done.returncode, 0, done.stderr)
        end = "-- Irreversible: the data is gone\n\n-- tapline: upgrade\nDROP TABLE a;\n"
        self.assertTrue(self.read("bbbb_gone.sql").endswith(end))
        self.assertEqual(self.kind("revision", "-m", "x", "--sql", "/nowhere/at.all"), "file_read")
        with open(path, "w", encoding="utf-8") as out:
            out.write("BEGIN; SELECT 1;")
        self.assertEqual(self.kind("revision", "-m", "x", "--sql", path), "transaction_control")
        self.assertEqual(len(self.files()), 3)

    def test_revision_refuses_what_would_not_load(self):
        self.graph()
        before = self.files()
        for arguments, kind in [
            (["--rev-id", "new1"], "multiple_heads"),
            (["--rev-id", "root", "--head", "lef2"], "duplicate_id"),
            (["--head", "lef1"], "not_a_head"),
            (["--head", "left@root"], "not_a_head"),
            (["--head", "nope"], "not_found"),
            (["--head", "left@rig1"], "not_on_branch"),
            (["--head", "lef2", "--branch-label", "right"], "duplicate_label"),
            (["--head", "lef2", "--branch-label", "root"], "duplicate_label"),
            (["--head", "lef2", "--branch-label", "a@b"], "bad_label"),
            (["--head", "lef2", "--depends-on", "nope"], "not_found"),
            (["--head", "lef2", "--rev-id", "ab-c"], "bad_revision_id"),
            (["--head", "lef2", "--phase", "later"], "unknown_phase"),
        ]:
            with self.subTest(arguments=arguments):
                self.assertEqual(self.kind("revision", "-m", "words", *arguments), kind)
        self.assertEqual(self.kind("revision", "-m", "Phase: contract", "--head", "lef2"), "revision_syntax")
        self.assertEqual(self.kind("revision", "-m", "two\nlines", "--head", "lef2"), "revision_syntax")
        self.assertEqual(self.files(), before)

    def test_a_file_that_is_there_is_never_replaced(self):
        self.new("aaaa")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            arguments = ["revision", "-m", "twice", "--rev-id", "bbbb", "--dir", self.directory]
            done = list(pool.map(lambda _: run_command("tapline-central", arguments), range(6)))
        self.assertEqual(sorted(each.returncode for each in done), [0, 2, 2, 2, 2, 2])
        self.assertEqual(self.files(), ["aaaa_about_aaaa.sql", "bbbb_twice.sql"])

    def test_merge_joins_heads(self):
        self.graph()
        self.assertEqual(self.json("merge", "heads", "--show-steps"), {"revises": ["lef2", "rig1"]})
        self.assertEqual(self.kind("merge", "lef2", "lef1"), "not_a_head")
        self.assertEqual(self.kind("merge", "lef2", "lef"), "ambiguous")
        self.assertEqual(self.kind("merge", "lef2", "left@head"), "duplicate_id")
        self.assertEqual(self.kind("merge", "base"), "not_a_head")
        self.assertEqual(len(self.files()), 4)
        made = self.json("merge", "heads", "--rev-id", "join")
        self.assertEqual((made["revises"], made["message"]), (["lef2", "rig1"], "merge lef2 and rig1"))
        self.assertEqual(self.steps("upgrade", "head", "lef2,rig1"), (["join"], ["join"]))
        self.assertEqual(self.steps("downgrade", "root", "join"), (["join", "rig1", "lef2", "lef1"], ["root"]))

    def test_multiple_heads_are_named_with_files_parent_and_fix(self):
        self.graph()
        error = self.error("upgrade", "head", "--show-steps", "--current", "base")
        self.assertEqual(error["kind"], "multiple_heads")
        for words in ("lef2_about_lef2.sql", "rig1_about_rig1.sql", "part after root (root_about_root.sql)"):
            self.assertIn(words, error["message"])
        self.assertIn("tapline-central merge heads", error["hint"])

    def test_steps_need_no_database(self):
        self.graph()
        self.assertEqual(self.steps("upgrade", "heads", "base"), (["root", "lef1", "lef2", "rig1"], ["lef2", "rig1"]))
        self.assertEqual(self.steps("upgrade", "right@head", ""), (["root", "lef1", "rig1"], ["rig1"]))
        self.assertEqual(self.steps("upgrade", "left@+1", "rig1"), (["lef2"], ["lef2", "rig1"]))
        self.assertEqual(self.steps("upgrade", "+1", "lef1"), (["lef2"], ["lef2"]))
        self.assertEqual(self.steps("downgrade", "right@-1", "lef2,rig1"), (["rig1"], ["lef2"]))
        self.assertEqual(self.steps("downgrade", "-1", "rig1"), (["rig1"], ["lef1"]))
        self.assertEqual(self.steps("downgrade", "left@root", "lef2,rig1"), (["rig1", "lef2", "lef1"], ["root"]))
        self.assertEqual(self.steps("upgrade", "root:left@head", "", "--sql"), (["lef1", "lef2"], ["lef2"]))
        self.assertEqual(self.steps("downgrade", "lef2:base", "", "--sql"), (["lef2", "lef1", "root"], []))
        self.assertEqual(self.steps("stamp", "left@head", "root")[1], ["lef2"])
        self.assertEqual(self.steps("stamp", "left right", "lef2"), (["lef1", "rig1"], ["rig1"]))
        self.assertEqual(self.steps("stamp", "base", "lef2,rig1")[1], [])
        text = self.ours("downgrade", "-1", "--show-steps", "--current", "lef2").stdout
        self.assertEqual(text, "downgrade lef2 (app)\n")

    def test_steps_of_both_lineages_need_no_database_either(self):
        done = run_command("tapline-central", ["upgrade", "--show-steps", "--json", "--current", "base"])
        steps = json.loads(done.stdout)["steps"]
        self.assertEqual(steps[0]["id"], "0001_m1_baseline")
        self.assertEqual({each["lineage"] for each in steps}, {"app", "tapline"})
        heads = ",".join(json.loads(done.stdout)["current_after"])
        arguments = ["downgrade", "base", "--show-steps", "--json", "--current", heads]
        back = json.loads(run_command("tapline-central", arguments).stdout)["steps"]
        self.assertEqual([each["id"] for each in back], [each["id"] for each in reversed(steps)])
        refused = run_command("tapline-central", ["upgrade", "+1", "--show-steps", "--json", "--current", "base"])
        self.assertEqual(json.loads(refused.stdout)["error"]["kind"], "ambiguous")

    def test_every_kind_of_error_is_told_without_a_database(self):
        self.graph()
        for verb, target, current, kind in [
            ("upgrade", "le", "base", "ambiguous"),
            ("upgrade", "+1", "lef2,rig1", "ambiguous"),
            ("upgrade", "+1", "root", "ambiguous"),
            ("downgrade", "-1", "lef2,rig1", "ambiguous"),
            ("upgrade", "nope", "base", "not_found"),
            ("upgrade", "nope@head", "base", "not_found"),
            ("upgrade", "heads", "nope", "not_found"),
            ("downgrade", "rig1", "lef2", "not_ancestor"),
            ("upgrade", "+3", "lef1", "too_many_steps"),
            ("downgrade", "-2", "root", "too_many_steps"),
            ("downgrade", "right@-1", "lef1", "too_many_steps"),
            ("upgrade", "-1", "lef1", "wrong_direction"),
            ("downgrade", "+1", "lef1", "wrong_direction"),
            ("upgrade", "left@rig1", "base", "not_on_branch"),
            ("upgrade", "root:lef1", "base", "bad_range"),
        ]:
            with self.subTest(verb=verb, target=target, current=current):
                self.assertEqual(self.kind(verb, target, "--show-steps", "--current", current), kind)
        self.assertEqual(self.kind("downgrade", "root", "--sql", "--show-steps"), "bad_range")
        self.assertEqual(self.kind("history", "-r", "lef1"), "bad_range")
        self.assertEqual(self.kind("upgrade", "head", "--current", "lef1"), "current_without_show_steps")
        self.assertEqual(self.kind("upgrade", "heads", "--show-steps"), "no_database")

    def test_broken_graphs_are_refused_naming_files(self):
        self.graph()
        for change, kind in [
            (("-- Revises: root", "-- Revises: gone"), "missing_parent"),
            (("-- Revises: root", "-- Revises: rig1"), "cycle"),
            (("Revision ID: rig1", "Revision ID: lef1"), "revision_syntax"),
            (("Branch Labels: right", "Branch Labels: left"), "duplicate_label"),
            (("-- Depends On: lef1", "-- Depends On: gone"), "missing_parent"),
        ]:
            with self.subTest(change=change):
                path = os.path.join(self.directory, "rig1_about_rig1.sql")
                text = self.read(path)
                self.assertIn(change[0], text)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text.replace(*change))
                error = self.error("history")
                self.assertEqual(error["kind"], kind)
                self.assertIn("rig1_about_rig1.sql", error["message"])
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
        shutil.copy(path, os.path.join(self.directory, "rig1_again.sql"))
        self.assertEqual(self.kind("history"), "duplicate_id")

    def ids(self, *arguments):
        return [each["id"] for each in self.json(*arguments)["revisions"]]

    def test_lists_say_what_there_is(self):
        self.graph()
        self.assertEqual(self.ids("history"), ["rig1", "lef2", "lef1", "root"])
        self.assertEqual(self.ids("history", "-r", "lef1:lef2"), ["lef2", "lef1"])
        self.assertEqual(self.ids("history", "-r", ":lef1"), ["lef1", "root"])
        self.assertEqual(self.ids("history", "-r", "current:left@head", "--current", "lef1"), ["lef2", "lef1"])
        self.assertEqual(self.ids("heads"), ["lef2", "rig1"])
        self.assertEqual(self.ids("bases"), ["root"])
        self.assertEqual(self.ids("branches"), ["root"])
        self.assertEqual(self.ids("show", "left@head"), ["lef2"])
        self.assertEqual(self.ids("show", "current", "--current", "rig1"), ["rig1"])
        shown = self.json("show", "rig1")["revisions"][0]
        self.assertEqual(
            {key: shown[key] for key in ("revises", "labels", "depends_on", "phase", "message", "revised_by")},
            {
                "revises": ["root"],
                "labels": ["right"],
                "depends_on": ["lef1"],
                "phase": "expand",
                "message": "about rig1",
                "revised_by": [],
            },
        )
        marked = self.json("history", "-i", "--current", "lef1")["revisions"]
        self.assertEqual([each["id"] for each in marked if each["current"]], ["lef1"])
        text = self.ours("history").stdout
        self.assertTrue(re.search(r"root -> lef1 \(left\), about lef1 \[expand\]", text), text)
        self.assertIn("(branchpoint)", text)
        self.assertIn("Depends on: lef1", self.ours("show", "rig1").stdout)
        current = self.json("current", "--current", "rig1")["lineages"][0]
        self.assertEqual((current["current"], current["by_dependency"]), (["rig1"], ["lef1"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
