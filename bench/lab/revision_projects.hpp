// The same chain of revisions three times: as tapline's files, as a project of Alembic, and as
// scripts for psql, so that what is measured is the tool and never the SQL.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/lab/process.hpp"

namespace tapline::bench {

struct RevisionProjects {
    std::filesystem::path ours;                  ///< a directory for --dir
    std::filesystem::path alembic;               ///< holds alembic.ini
    std::vector<std::filesystem::path> scripts;  ///< each one BEGIN … COMMIT
    std::string head;
};

/// Upgrade statement of revision i, counted from 0, and how to take it back.
struct RevisionText {
    std::string upgrade;
    std::string downgrade;
};

/// A table, a column of it, an index on it, a CHECK on it, and again.
[[nodiscard]] RevisionText small_revision(int i);
/// One table with a key, a reference, a CHECK and an index: what a schema is made of.
[[nodiscard]] RevisionText table_revision(int i);

/// Below `directory`, which is made.
[[nodiscard]] RevisionProjects write_projects(
    const std::filesystem::path& directory, const std::vector<RevisionText>& revisions
);

/// `alembic upgrade head`; Error{refused, "no_program"} when Debian's alembic isn't installed.
[[nodiscard]] Command alembic_upgrade(
    const RevisionProjects& projects, const std::string& database_url
);

}  // namespace tapline::bench
