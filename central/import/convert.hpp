// An Alembic revision with its SQL -> our revision files. Pure.
//
// One revision becomes one file, with Alembic's own id. Where it commits in between
// (autocommit_block) it becomes several, because a section is one transaction or none: all but the
// last get ids of their own below it, so that a database which Alembic brought to the id is at the
// end of them, and one at the parent runs them all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "central/import/history.hpp"
#include "central/import/rendered.hpp"
#include "common/revision/file.hpp"

namespace tapline::alembic {

/// One direction of a revision.
struct Half {
    std::vector<RenderedPiece> pieces;
    std::string problem;       ///< not empty: there is no SQL, and this is why
    std::string irreversible;  ///< downgrade: the author's own words for there being no way back
};

struct Imported {
    AlembicRevision facts;
    Half upgrade;
    Half downgrade;
};

/// The files of a revision in the order in which they run; the last has its id. A half with a
/// problem gets a statement that fails with it.
/// taken: ids that the new ones must not have.
/// Throws what compose and parse throw for what can't be a file.
[[nodiscard]] std::vector<revision::SourceFile> files_of(
    const Imported& revision, const revision::IdSet& taken
);

/// Whether a section holds such a statement.
[[nodiscard]] bool is_guard(const revision::Section& section);

/// How many statements of each file (by name) lint would stop, and the files with a line before
/// each that lets it through: Alembic would run it.
struct Allowed {
    std::vector<revision::SourceFile> files;
    std::map<std::string, std::vector<std::string>> hazards;
};

/// files: a whole lineage. Throws as lint_revision.
[[nodiscard]] Allowed allow_hazards(std::vector<revision::SourceFile> files);

}  // namespace tapline::alembic
