#include "agent/journal/mount.hpp"

#include <catch2/catch.hpp>

namespace tapline::test {

namespace {

constexpr std::string_view mounts =
    "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro\n"
    "31 22 179:1 / /boot ro,relatime shared:2 - vfat /dev/mmcblk0p1 rw,fmask=0022\n"
    "40 22 7:0 / /srv/tap rw,relatime - ext4 /dev/loop0 rw,abort,emergency_ro\n"
    "41 22 8:1 / /mnt rw - ext4 /dev/sda1 ro,errors=continue\n"
    "42 22 8:17 / /old rw - xfs /dev/sdb1 rw,shutdown,noquota\n"
    "broken line\n"
    "\n";

}  // namespace

TEST_CASE("A file system that the kernel stopped is read-only, whatever its mount says") {
    CHECK(journal::says_read_only(mounts, "7:0"));
    CHECK(journal::says_read_only(mounts, "8:1"));
    CHECK(journal::says_read_only(mounts, "8:17"));
    CHECK_FALSE(journal::says_read_only(mounts, "179:2"));
    // A mount point's own `ro` is statvfs's to tell; another mount of the device may be writable.
    CHECK_FALSE(journal::says_read_only(mounts, "179:1"));
    CHECK_FALSE(journal::says_read_only(mounts, "9:9"));
    CHECK_FALSE(journal::says_read_only("", "7:0"));
}

}  // namespace tapline::test
