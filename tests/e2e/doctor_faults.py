"""`doctor` names what another script planted (plant_faults.py), by its id, and nothing else."""

import json
import os
import subprocess
import sys
import unittest

from lab.doctor_case import PLANTER, DoctorCase

# What the planter planted -> the ids that are named, on the planted tree of a Raspberry Pi.
NAMED = {
    "little_memory": {"memory_available"},
    "killed_for_memory": {"memory_limit"},
    "memory_used_up": {"memory_limit"},
    "hot": {"temperature"},
    "weak_supply": {"under_voltage"},
    "throttled_since_boot": {"throttled"},
    "file_system_errors": {"filesystem_errors"},
    "worn_card": {"card_wear"},
    "no_ntp": {"clock_synchronized"},
    "empty_clock_battery": {"rtc_time"},
    "service_failed": {"service_state"},
    "service_stopped": {"service_state"},
    "service_not_enabled": {"service_state"},
    "restart_storm": {"service_restarts"},
    "cable_out": {"network_link"},
    "no_address": {"network_address"},
    "address_without_server": {"network_address"},
    "no_gateway": {"default_route"},
    "silent_central": {"central_reachable"},
    "broken_central": {"central_reachable"},
    "not_enrolled": {"identity"},
    "key_of_another": {"identity"},
    "half_an_identity": {"identity"},
    "readable_key": {"identity_mode"},
    "certificate_over": {"certificate_dates"},
    "authority_over": {"authority_dates"},
    "authority_ends_soon": {"authority_dates"},
    "healthy_identity": set(),
    "unknown_setting": {"settings"},
    "unusable_address": {"settings"},
    "hard_link": {"journal_hard_links"},
    "missing_journal": {"journal_file"},
    "foreign_companion": {"companion_owner", "journal_adopted"},
    "dropped_trigger": {"schema_drift"},
    "marked_by_another": {"foreign_status"},
    "in_quarantine": {"quarantined"},
    "old_backlog": {"backlog"},
    "damaged_page": {"journal_integrity"},
    "forgotten_transaction": {"wal_size", "wal_pinned"},
    "second_forwarder": {"other_programs", "writer_sqlite"},
    "swapped_journal": {"journal_swapped"},
    "removed_wal": {"journal_swapped"},
    "stray_in_a_home": {"stray_journal"},
    "stray_beside": {"stray_journal"},
    "stray_of_a_running_program": {"stray_journal"},
    "stray_in_its_wal_only": {"stray_journal"},
    "same_name_but_no_journal": set(),
    "little_room": {"disk_space"},
    "no_room": {"disk_space"},
    "no_inodes": {"disk_inodes"},
    "read_only_disk": {"mount_read_only", "journal_adopted"},
}
# Not named, but told: tests of their own.
HANGS = {"sensor_that_hangs", "clock_that_hangs", "systemctl_that_hangs"}
ROOTS_BUSINESS = {"foreign_companion", "little_room", "no_room", "no_inodes", "read_only_disk"}


class PlantedFaults(DoctorCase):
    def find(self, name):
        """What the planter says, what was named, and the ids of all checks."""
        said = self.plant(name)
        options = ["--central", said["central"]] if "central" in said else []
        checks = self.doctor(*options, journal=said.get("journal"))
        found = {i: c for i, c in checks.items() if c["verdict"] in ("warn", "fail")}
        self.assertEqual(set(found), NAMED[name], json.dumps(found, indent=1))
        for check in found.values():
            self.assertNotEqual(check["what_to_do"], "", check)
            self.assertNotEqual(check["measured"], "", check)
        return said, found, list(checks)

    def test_the_planter_and_this_list_know_the_same_faults(self):
        done = subprocess.run([sys.executable, PLANTER, "--list"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(set(done.stdout.split()), set(NAMED) | HANGS)
        self.assertGreaterEqual(len([ids for ids in NAMED.values() if ids]), 20)

    def test_each_planted_fault_is_named_and_nothing_else_is(self):
        ids = None
        for name in NAMED:
            if name in HANGS or (name in ROOTS_BUSINESS and not self.may_mount):
                continue
            with self.subTest(name):
                self.fresh()
                said, found, everything = self.find(name)
                ids = ids or everything
                self.assertEqual(everything, ids, "always the same checks in the same order")
                for check in ("wal_pinned", "journal_swapped"):
                    if check in NAMED[name]:
                        self.assertIn(f"process {said['pid']} ", found[check]["measured"])
                        self.assertIn("holder.py", found[check]["measured"])
                        self.assertNotIn("Kanarienvogel7", json.dumps(found))
                if name == "second_forwarder":
                    self.assertIn(f"process {said['pid']}: SQLite 3.", found["writer_sqlite"]["measured"])
                    self.assertEqual(found["other_programs"]["measured"].count("holder.py"), 2)
                if "stray" in said:
                    self.assertIn(os.path.basename(os.path.dirname(said["stray"])), found["stray_journal"]["measured"])
                    if "pid" in said:
                        self.assertIn(f"process {said['pid']} ", found["stray_journal"]["measured"])
            self.doCleanups()  # this fault's processes and mounts


if __name__ == "__main__":
    unittest.main(verbosity=2)
