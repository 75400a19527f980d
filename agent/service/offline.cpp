#include "agent/service/offline.hpp"

#include <limits>

#include <sys/statvfs.h>

#include "agent/journal/cursor.hpp"
#include "agent/journal/reading.hpp"
#include "agent/journal/rows.hpp"

namespace tapline::service {

JournalFacts read_facts(const std::filesystem::path& file) {
    auto reading = journal::open_for_reading(file);
    auto& database = reading.database;
    JournalFacts facts;
    facts.identity = journal::Cursor(database).read();
    facts.identity.revision = reading.revision;
    journal::Rows rows(database);
    const Seq acked = facts.identity.acked_through;
    facts.max_seq = rows.max_seq();
    facts.depth = rows.count(acked, std::numeric_limits<Seq>::max());
    facts.oldest_recorded_at = rows.first_recorded_at(acked);

    struct statvfs system {};

    if (::statvfs(database.file().parent_path().c_str(), &system) == 0) {
        facts.free_bytes =
            static_cast<std::int64_t>(system.f_bavail) * static_cast<std::int64_t>(system.f_frsize);
    }
    return facts;
}

}  // namespace tapline::service
