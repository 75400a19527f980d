// The statements that a section with transaction=off may hold: each runs by itself, and for each
// the catalog tells afterwards whether it happened, so that a killed run goes on from there. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/revision.hpp"

namespace tapline::revision {

enum class AloneKind {
    create_index,  ///< CONCURRENTLY, with a name
    drop_index,    ///< CONCURRENTLY, one
    reindex_index,
    reindex_table,
    detach_partition,  ///< CONCURRENTLY
    add_enum_value,    ///< IF NOT EXISTS
    validate_constraint,
    vacuum,
    analyze,
};

/// Names are quoted, with their schema if the statement has one: as to_regclass() reads them.
struct AloneStatement {
    AloneKind kind = AloneKind::analyze;
    std::string relation;  ///< the table, or the index that is dropped or rebuilt; the enum type
    std::string name;      ///< of what is made or changed there, unquoted: index, constraint, label
    std::string partition;
};

/// nullopt: not one of them.
[[nodiscard]] std::optional<AloneStatement> find_alone(const std::string& sql);

/// Throws Error{usage, "not_alone"} naming file, line and what may stand there.
[[nodiscard]] AloneStatement read_alone(const Revision& revision, const Statement& statement);

/// What commits together.
struct Piece {
    enum class Kind { together, alone, batch };
    Kind kind = Kind::together;
    std::size_t first = 0;  ///< index into Section::statements
    std::size_t end = 0;    ///< one past the last
    const BatchStep* batch = nullptr;
    AloneStatement alone;
};

/// A section in the pieces that it commits in, in order; one piece `together` for an ordinary
/// section, also an empty one. revision must outlive it. Throws as read_alone.
[[nodiscard]] std::vector<Piece> pieces_of(const Revision& revision, Direction direction);

}  // namespace tapline::revision
