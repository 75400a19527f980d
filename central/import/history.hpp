// What `alembic history -v` prints -> the revisions of a project. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tapline::alembic {

/// One revision as Alembic tells of it.
struct AlembicRevision {
    std::string id;
    std::vector<std::string> revises;      ///< whole ids; empty: a base
    std::vector<std::string> depends_on;   ///< as written there: ids, their starts, or labels
    std::vector<std::string> labels_here;  ///< labels that it has, also from its branch
    std::vector<std::string> labels;  ///< its file's own; not from the history (see project.hpp)
    std::string path;                 ///< of its .py file
    std::string message;              ///< first line of its doc; may be empty
    std::vector<std::string> prose;   ///< the lines after it, without what headers say anyway
    std::string create_date;          ///< of a `Create Date:` line in it; may be empty
};

/// Oldest first, as far as Alembic knows. What a project's env.py prints between entries is passed
/// over. Throws Error{usage, "alembic_history"} for an entry that isn't whole or an id twice.
[[nodiscard]] std::vector<AlembicRevision> read_history(std::string_view text);

/// The same, each after what it revises or depends on, once `labels` are known. Names of depends_on
/// become whole ids, but for labels. Throws Error{usage, "alembic_history"} for a parent or a
/// dependency that isn't there, or a circle.
[[nodiscard]] std::vector<AlembicRevision> in_order(std::vector<AlembicRevision> revisions);

/// The place of the revision that a name of depends_on means: a whole id, a label, or the start of
/// one id. Throws Error{usage, "alembic_history"}.
[[nodiscard]] std::size_t find_revision(
    const std::vector<AlembicRevision>& revisions, const std::string& name
);

}  // namespace tapline::alembic
