#include "agent/journal/reading.hpp"

#include <fmt/format.h>

#include "agent/journal/known_shapes.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/wal_file.hpp"
#include "common/error.hpp"

namespace tapline::journal {

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

Reading open_for_reading(const std::filesystem::path& file) {
    const auto real = real_journal_path(file);
    if (!std::filesystem::exists(real)) {
        refuse_orphaned_wal(real, real);
        throw not_adopted(file, "doesn't exist");
    }
    become_owner(real);
    Database database(real);
    const auto shape = recognise(database);
    const bool ours = shape.kind == Recognised::Kind::revision && shape.name.starts_with('j');
    if (!ours) {
        throw not_adopted(file, fmt::format("isn't adopted; its shape is {}", shape.name));
    }
    return {std::move(database), shape.name};
}

}  // namespace tapline::journal
