#include "agent/service/offline.hpp"

#include <algorithm>

#include <sys/statvfs.h>

#include "agent/journal/backlog.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/mount.hpp"
#include "agent/journal/reading.hpp"
#include "agent/journal/rows.hpp"

namespace tapline::service {

namespace {

/// A card takes a second for 100,000 rows.
constexpr Seq most_counted = 50'000;

}  // namespace

JournalFacts read_facts(const std::filesystem::path& file) {
    auto reading = journal::open_for_reading(file);
    auto& database = reading.database;
    JournalFacts facts;
    facts.identity = journal::Cursor(database).read();
    facts.identity.revision = reading.revision;
    journal::Rows rows(database);
    const Seq acked = facts.identity.acked_through;
    facts.max_seq = rows.max_seq();
    const Seq span = facts.max_seq - acked;
    facts.depth_exact = span <= most_counted;
    facts.depth =
        facts.depth_exact ? rows.count(acked, facts.max_seq) : std::max<std::int64_t>(span, 0);
    facts.oldest_recorded_at = journal::oldest_recorded_at(rows, facts.identity, facts.max_seq);

    struct statvfs system {};

    if (::statvfs(database.file().parent_path().c_str(), &system) == 0) {
        facts.free_bytes =
            static_cast<std::int64_t>(system.f_bavail) * static_cast<std::int64_t>(system.f_frsize);
    }
    facts.read_only = journal::is_read_only(database.file().parent_path());
    return facts;
}

}  // namespace tapline::service
