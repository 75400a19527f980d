#include <algorithm>
#include <chrono>
#include <thread>

#include <sys/stat.h>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/wal_file.hpp"

namespace tapline::doctor {

namespace {

/// Where the writer's own autocheckpoint should have copied it back (SQLite, wal.html 3.1).
constexpr std::int64_t wal_limit_pages = 1'000;
/// A poll of the agent or an INSERT is over by then; who is still there pins the file.
constexpr std::chrono::milliseconds between_looks{500};
// Bytes of the -shm (SQLite, walformat.html 2.3): read marks.
constexpr std::int64_t first_read_mark = 123;
constexpr std::int64_t last_read_mark = 127;

std::vector<FileLockSeen> readers(const Look& look, const std::string& shm) {
    struct stat file {};

    if (::stat(shm.c_str(), &file) != 0) {
        return {};
    }
    auto found = look.locks(file);
    std::erase_if(found, [](const auto& lock) {
        return lock.last < first_read_mark || lock.first > last_read_mark;
    });
    return found;
}

std::string lasting_readers(const Look& look, const std::string& shm) {
    const auto before = readers(look, shm);
    if (before.empty()) {
        return {};
    }
    std::this_thread::sleep_for(between_looks);
    std::string names;
    for (const auto& lock : readers(look, shm)) {
        if (std::find(before.begin(), before.end(), lock) != before.end()) {
            names += fmt::format(
                "{}{}, read mark {}",
                names.empty() ? "" : "; ",
                look.process(lock.pid),
                lock.first - first_read_mark
            );
        }
    }
    return names;
}

void look_at_wal(const Look& look, const std::string& named, const Tell& tell) {
    const auto journal = journal::real_journal_path(named);
    const auto pages = journal::wal_position(journal.string() + "-wal").frames;
    const bool large = pages > wal_limit_pages;
    const auto names = lasting_readers(look, journal.string() + "-shm");
    tell(
        {"wal_size",
         large ? Verdict::warn : Verdict::ok,
         fmt::format("{} pages", pages),
         large ? "Nobody could copy it back: see wal_pinned; else start tapline-agent." : "",
         ""}
    );
    const bool pinned = large && !names.empty();
    tell(
        {"wal_pinned",
         pinned ? Verdict::warn : Verdict::ok,
         names.empty() ? "by nobody" : names,
         pinned ? "End that process, or its open transaction; it may be a forgotten sqlite3 shell."
                : "",
         ""}
    );
    std::string holders;
    for (const auto* end : {"", "-wal"}) {
        for (const auto pid : look.holders_of_another(journal.string() + end)) {
            holders += fmt::format(
                "{}{}{}",
                holders.empty() ? "" : "; ",
                look.process(pid),
                *end == 0 ? "" : " (its -wal)"
            );
        }
    }
    tell(
        {"journal_swapped",
         holders.empty() ? Verdict::ok : Verdict::fail,
         holders.empty() ? "no" : "another file of this name is held open by " + holders,
         holders.empty()
             ? ""
             : "Don't restart it yet: its pours go into the old file. Copy /proc/PID/fd "
               "first, with the -wal.",
         ""}
    );
}

}  // namespace

Group wal_group(const Look& look, const std::string& journal) {
    Group group;
    group.ids = {"wal_size", "wal_pinned", "journal_swapped"};
    group.subject = journal;
    group.limit = std::chrono::seconds(3);
    group.needs = {"journal_file"};
    group.look = [look, journal](const Tell& tell) { look_at_wal(look, journal, tell); };
    return group;
}

}  // namespace tapline::doctor
