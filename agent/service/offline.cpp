#include "agent/service/offline.hpp"

#include <limits>

#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/journal/cursor.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/rows.hpp"
#include "common/error.hpp"

namespace tapline::service {

namespace {

Error not_adopted(const std::filesystem::path& file, const std::string& why) {
    return Error(
        ErrorKind::refused,
        "not_adopted",
        fmt::format("{} {}", file.string(), why),
        fmt::format("run `tapline-agent journal adopt {}`", file.string())
    );
}

}  // namespace

JournalFacts read_facts(const std::filesystem::path& file) {
    const auto real = journal::real_journal_path(file);
    if (!std::filesystem::exists(real)) {
        throw not_adopted(file, "doesn't exist");
    }
    journal::become_owner(real);
    journal::Database database(real);
    const auto shape = journal::recognise(database);
    const bool ours =
        shape.kind == journal::Recognised::Kind::revision && shape.name.starts_with('j');
    if (!ours) {
        throw not_adopted(file, fmt::format("isn't adopted; its shape is {}", shape.name));
    }
    JournalFacts facts;
    facts.identity = journal::Cursor(database).read();
    facts.identity.revision = shape.name;
    journal::Rows rows(database);
    const Seq acked = facts.identity.acked_through;
    facts.max_seq = rows.max_seq();
    facts.depth = rows.count(acked, std::numeric_limits<Seq>::max());
    facts.oldest_recorded_at = rows.first_recorded_at(acked);

    struct statvfs system {};

    if (::statvfs(real.parent_path().c_str(), &system) == 0) {
        facts.free_bytes =
            static_cast<std::int64_t>(system.f_bavail) * static_cast<std::int64_t>(system.f_frsize);
    }
    return facts;
}

}  // namespace tapline::service
