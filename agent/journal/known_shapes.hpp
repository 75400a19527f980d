// Which revision, or which entry shape, is this file?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/journal/shape.hpp"
#include "common/revision/lineage.hpp"

namespace tapline::journal {

/// migrations/sqlite as compiled into this program.
[[nodiscard]] const revision::Lineage& journal_lineage();

/// The first revision that the agent can work with.
inline constexpr std::string_view first_journal_revision = "j0001";
/// The last one of the tap's own releases.
inline constexpr std::string_view last_legacy_revision = "gen8";

/// A shape of `pours` in the field that isn't a revision of the lineage: gen2, gen3, and the dead
/// ends that later releases made by appending short_id, duration_ms, tail_volume_ml to a table
/// they could then no longer insert into.
struct EntryShape {
    std::string name;  ///< "gen2", "gen4+short_id,duration_ms"
    TableShape table;
};

[[nodiscard]] const std::vector<EntryShape>& entry_shapes();

/// The shape of `pours` right after that revision. Throws not_found.
[[nodiscard]] TableShape expected_pours(const std::string& revision);

struct Recognised {
    enum class Kind {
        empty,     ///< no table `pours`, no trace of tapline
        revision,  ///< at a revision of the lineage
        entry,     ///< one of entry_shapes()
        unknown,   ///< see differences
    };
    Kind kind = Kind::unknown;
    std::string name;  ///< "empty", "gen5", "gen4+short_id", "j0001"; nearest if unknown
    std::vector<Difference> differences;  ///< against the nearest known shape
};

/// Looks at `pours` and, from j0001 on, at the log. Throws refused/"newer_revision" when the log
/// names a revision that this program doesn't know, refused/"revision_changed" when it knows it
/// with another digest.
[[nodiscard]] Recognised recognise(Database& database);

}  // namespace tapline::journal
