#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/journal/mount.hpp"
#include "agent/journal/owner.hpp"

namespace tapline::doctor {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1024} * 1024;
constexpr std::uint64_t warn_below_bytes = 256 * mib;
constexpr std::uint64_t fail_below_bytes = 16 * mib;
constexpr std::chrono::seconds answer_limit{3};

void check_space(const std::filesystem::path& journal, const Tell& tell) {
    struct statvfs system {};

    if (::statvfs(journal.parent_path().c_str(), &system) != 0) {
        tell({"disk_space", Verdict::unknown, "can't be asked", "", ""});
        return;
    }
    const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
    const bool read_only = journal::is_read_only(journal.parent_path());
    const auto low = free < fail_below_bytes ? Verdict::fail : Verdict::warn;
    tell(
        {"disk_space",
         free < warn_below_bytes ? low : Verdict::ok,
         fmt::format("{} MiB free", free / mib),
         free < warn_below_bytes
             ? "Make room: see du -xh / | sort -h; never delete a journal or its -wal."
             : "",
         ""}
    );
    const bool none = system.f_files > 0 && system.f_favail == 0;
    tell(
        {"disk_inodes",
         none ? Verdict::fail : Verdict::ok,
         fmt::format("{} free", system.f_favail),
         none ? "Too many small files: find the directory that has them and empty it." : "",
         ""}
    );
    tell(
        {"mount_read_only",
         read_only ? Verdict::fail : Verdict::ok,
         read_only ? "read-only" : "writable",
         read_only ? "The kernel gave the card up: see dmesg, save the journal, change the card."
                   : "",
         ""}
    );
}

void look_at_storage(const std::string& named, const Tell& tell) {
    const auto journal = journal::real_journal_path(named);
    check_space(journal, tell);

    struct stat file {};

    const bool there = ::stat(journal.c_str(), &file) == 0;
    tell(
        {"journal_file",
         there ? Verdict::ok : Verdict::fail,
         there
             ? fmt::format(
                   "{} bytes, owner {}, mode {:o}", file.st_size, file.st_uid, file.st_mode & 07777U
               )
             : "missing",
         there ? "" : "Check the path in agent.toml; is the card of this tap in the machine?",
         ""}
    );
    if (!there) {
        return;
    }
    const bool linked = file.st_nlink > 1;
    tell(
        {"journal_hard_links",
         linked ? Verdict::fail : Verdict::ok,
         fmt::format("{} names", file.st_nlink),
         linked ? fmt::format("Find it: find / -samefile {}; leave one name.", journal.string())
                : "",
         ""}
    );
    std::string strangers;
    for (const auto* suffix : {"-wal", "-shm", "-journal"}) {
        struct stat companion {};

        const auto path = journal.string() + suffix;
        if (::stat(path.c_str(), &companion) == 0 && companion.st_uid != file.st_uid) {
            strangers += (strangers.empty() ? "" : " ") + path;
        }
    }
    tell(
        {"companion_owner",
         strangers.empty() ? Verdict::ok : Verdict::fail,
         strangers.empty() ? "as the journal" : "another user's: " + strangers,
         strangers.empty()
             ? ""
             : fmt::format("sudo chown --reference={} {}", journal.string(), strangers),
         ""}
    );
}

}  // namespace

Group storage_group(const std::string& journal) {
    Group group;
    group.ids = {
        "journal_file",
        "disk_space",
        "disk_inodes",
        "mount_read_only",
        "journal_hard_links",
        "companion_owner"};
    group.subject = journal;
    group.limit = answer_limit;
    group.late = Verdict::fail;
    group.late_advice =
        "The card doesn't answer: see dmesg. Don't pull the plug before its light is out; then "
        "save "
        "the journal.";
    group.look = [journal](const Tell& tell) { look_at_storage(journal, tell); };
    return group;
}

}  // namespace tapline::doctor
