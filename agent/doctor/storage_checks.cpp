#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/doctor/doctor.hpp"

namespace tapline::doctor {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1024} * 1024;
constexpr std::uint64_t warn_below_bytes = 256 * mib;
constexpr std::uint64_t fail_below_bytes = 16 * mib;

void check_space(const std::filesystem::path& journal, Report& report) {
    struct statvfs system {};

    if (::statvfs(journal.parent_path().c_str(), &system) != 0) {
        report.push_back({"disk_space", Verdict::unknown, "can't be asked", "", journal});
        return;
    }
    const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
    const bool read_only = (system.f_flag & ST_RDONLY) != 0;
    const auto low = free < fail_below_bytes ? Verdict::fail : Verdict::warn;
    report.push_back(
        {"disk_space",
         free < warn_below_bytes ? low : Verdict::ok,
         fmt::format("{} MiB free", free / mib),
         free < warn_below_bytes
             ? "Make room: see du -xh / | sort -h; never delete a journal or its -wal."
             : "",
         journal}
    );
    const bool none = system.f_files > 0 && system.f_favail == 0;
    report.push_back(
        {"disk_inodes",
         none ? Verdict::fail : Verdict::ok,
         fmt::format("{} free", system.f_favail),
         none ? "Too many small files: find the directory that has them and empty it." : "",
         journal}
    );
    report.push_back(
        {"mount_read_only",
         read_only ? Verdict::fail : Verdict::ok,
         read_only ? "read-only" : "writable",
         read_only ? "The kernel gave the card up: see dmesg, save the journal, change the card."
                   : "",
         journal}
    );
}

void check_kernel(const Look& look, const std::filesystem::path& journal, Report& report) {
    std::int64_t errors = 0;
    const auto systems = look.each("/sys/fs/ext4", "errors_count");
    for (const auto& system : systems) {
        errors += look.number(system / "errors_count").value_or(0);
    }
    const auto seen = errors > 0 ? Verdict::fail : Verdict::ok;
    report.push_back(
        {"filesystem_errors",
         systems.empty() ? Verdict::skip : seen,
         fmt::format("{} since the last fsck", errors),
         errors > 0 ? "See dmesg; save the journal, then fsck at the next start." : "",
         journal}
    );
    std::int64_t worst = 0;
    // JEDEC eMMC 5.0: 1 normal, 2 warning (80 % of the reserve is used), 3 urgent. SD cards have
    // none.
    for (const auto& card : look.each("/sys/block", "device/pre_eol_info")) {
        worst = std::max(worst, look.number(card / "device/pre_eol_info").value_or(0));
    }
    const auto worn = worst >= 3 ? Verdict::fail : Verdict::warn;
    const auto wear = worst >= 2 ? worn : Verdict::ok;
    report.push_back(
        {"card_wear",
         worst == 0 ? Verdict::skip : wear,
         worst == 0 ? "the card doesn't say" : fmt::format("pre_eol_info {}", worst),
         worst >= 2 ? "Change the card now; take the journal along with its -wal." : "",
         journal}
    );
}

}  // namespace

void check_storage(const Look& look, const std::filesystem::path& journal, Report& report) {
    check_space(journal, report);
    check_kernel(look, journal, report);

    struct stat file {};

    const bool there = ::stat(journal.c_str(), &file) == 0;
    report.push_back(
        {"journal_file",
         there ? Verdict::ok : Verdict::fail,
         there
             ? fmt::format(
                   "{} bytes, owner {}, mode {:o}", file.st_size, file.st_uid, file.st_mode & 07777U
               )
             : "missing",
         there ? "" : "Check the path in agent.toml; is the card of this tap in the machine?",
         journal}
    );
    const bool linked = there && file.st_nlink > 1;
    report.push_back(
        {"journal_hard_links",
         linked ? Verdict::fail : Verdict::ok,
         fmt::format("{} names", file.st_nlink),
         linked ? fmt::format("Find it: find / -samefile {}; leave one name.", journal.string())
                : "",
         journal}
    );
    std::string strangers;
    for (const auto* suffix : {"-wal", "-shm", "-journal"}) {
        struct stat companion {};

        const auto path = journal.string() + suffix;
        if (::stat(path.c_str(), &companion) == 0 && companion.st_uid != file.st_uid) {
            strangers += (strangers.empty() ? "" : " ") + path;
        }
    }
    report.push_back(
        {"companion_owner",
         strangers.empty() ? Verdict::ok : Verdict::fail,
         strangers.empty() ? "as the journal" : "another user's: " + strangers,
         strangers.empty()
             ? ""
             : fmt::format("sudo chown --reference={} {}", journal.string(), strangers),
         journal}
    );
}

}  // namespace tapline::doctor
