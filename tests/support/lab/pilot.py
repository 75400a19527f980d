"""A bar of the field that comes under revisions: a cluster for the class, a database for each test."""

import contextlib
import json
import os
import re
import shlex
import shutil
import unittest

import psycopg2

from .cluster import Cluster
from .programs import run_command
from .waiting import work_directory

FILE = """\
-- {name}
-- Revision ID: {name}
-- Revises: {revises}

-- tapline: upgrade
{up}
-- tapline: downgrade
{down}
"""
# The pilot's schema as its ORM makes it: a table, then a column, then another table.
REVISIONS = [
    ("aaaa", "", "CREATE TABLE pours (id int PRIMARY KEY);", "DROP TABLE pours;"),
    ("bbbb", "aaaa", "ALTER TABLE pours ADD price numeric(10,4);", "ALTER TABLE pours DROP price;"),
    ("cccc", "bbbb", "CREATE TABLE kegs (id int PRIMARY KEY);", "DROP TABLE kegs;"),
]
POURS = "CREATE TABLE pours (price numeric(10,4), id int PRIMARY KEY);"
VERSION = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);"


def rows(*ids):
    return VERSION + "".join(f"INSERT INTO alembic_version VALUES ('{each}');" for each in ids)


class PilotCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.directory = work_directory()
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.files = os.path.join(cls.directory, "migrations")
        os.mkdir(cls.files)
        for name, revises, up, down in REVISIONS:
            with open(os.path.join(cls.files, f"{name}_x.sql"), "w", encoding="utf-8") as file:
                file.write(FILE.format(name=name, revises=revises, up=up, down=down))
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.database = f"bar{self.number}"
        self.url = self.cluster.create_database(self.database)

    def sql(self, statement, user=None):
        """Rows; with a user, as somebody who logs in with that role."""
        url = self.as_role(user) if user else self.cluster.url(self.database)
        with contextlib.closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def as_role(self, role):
        return re.sub(r"^postgresql://[^@]*@", f"postgresql://{role}@", self.cluster.url(self.database))

    def verb(self, *arguments, role=None, env=None, files=True):
        extra = ["--dir", self.files] if files else []
        url = self.as_role(role) if role else self.url
        done = run_command("tapline-central", [*arguments, *extra, "--json"],
                           env={"DATABASE_URL": url, **(env or {})}, timeout_s=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def good(self, *arguments, **options):
        code, out, err = self.verb(*arguments, **options)
        self.assertEqual(code, 0, f"{arguments}: {out}\n{err}")
        return out

    def refused(self, kind, *arguments, **options):
        code, out, err = self.verb(*arguments, **options)
        self.assertEqual((code, out and out["error"]["kind"]), (3, kind), f"{arguments}: {out}\n{err}")
        return out["error"]

    def recognise(self, code=1):
        found, out, err = self.verb("recognise")
        self.assertEqual(found, code, f"{out}\n{err}")
        return out["lineages"][0], out["command"]

    def run_it(self, command, **options):
        """What the operator does: the command, as it was printed, with the reasons filled in."""
        words = [word.replace("=WHY", "=known since the pilot") for word in shlex.split(command)]
        self.assertEqual(words[0], "tapline-central")
        return self.good(*words[1:], files=False, **options)

    def folder(self, name, files=()):
        """A directory of revision files beside the class's own."""
        path = os.path.join(self.directory, f"{self.number} {name}")
        os.makedirs(path)
        for each, revises, up, down in files:
            with open(os.path.join(path, f"{each}_x.sql"), "w", encoding="utf-8") as file:
                file.write(FILE.format(name=each, revises=revises, up=up, down=down))
        return path
