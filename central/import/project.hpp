// A project of Alembic, asked through its own `alembic`; nothing else of it is ever run.
//
// Its env.py gets the database that we name and no other: the URL stands in the variable that the
// project reads (DATABASE_URL) and in a copy of its ini file, and PG* and POSTGRES_* of our own
// environment are replaced. works_on() is the proof, before anything is run online.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "central/import/child.hpp"
#include "central/import/convert.hpp"
#include "central/import/history.hpp"

namespace tapline::alembic {

struct ProjectOptions {
    std::filesystem::path directory;  ///< where alembic is run
    std::string config;               ///< the ini file; empty: alembic.ini there
    std::string program = "alembic";
    std::string url_variable = "DATABASE_URL";
    ChildLimits limits;
    const std::atomic<bool>* stop = nullptr;  ///< set: throw Error{refused, "stopped"} soon
};

/// Where Alembic is to work. No database answers at the default one.
struct Target {
    std::string host = "/nonexistent";  ///< directory of a Unix socket, plain enough for a URL
    std::string port = "5432";
    std::string user = "tapline_import";
    std::string database = "tapline_import";
};

class Project {
  public:
    /// Copies the ini file into a temporary directory. Throws Error{usage, "no_alembic_project"},
    /// Error{usage, "no_program"}.
    explicit Project(ProjectOptions options);
    ~Project();
    Project(const Project&) = delete;
    Project& operator=(const Project&) = delete;

    /// From now on Alembic works there.
    void use(const Target& target);

    /// With labels, in order. Throws Error{usage}: "alembic_failed", "alembic_history",
    /// "no_revisions".
    [[nodiscard]] std::vector<AlembicRevision> revisions() const;

    /// Each with its SQL, or with the reason why Alembic can't tell it. Throws
    /// Error{refused, "version_table"} where Alembic keeps its version in another table.
    [[nodiscard]] std::vector<Imported> render(const std::vector<AlembicRevision>& revisions);

    /// The word that `alembic current` was led to by the version table of the target: it looks
    /// there and nowhere else. word: no revision of the project.
    [[nodiscard]] bool finds(const std::string& word) const;

    /// Online, on the target. Empty, or the reason of Alembic's failure.
    [[nodiscard]] std::string upgrade(const AlembicRevision& revision) const;
    /// That one alone, which must be the only version row.
    [[nodiscard]] std::string downgrade(const AlembicRevision& revision) const;

  private:
    [[nodiscard]] ChildEnd run(std::vector<std::string> arguments) const;
    void render_range(const std::string& verb, const std::string& range, Rendered& known) const;
    [[nodiscard]] Half render_one(
        const AlembicRevision& revision, revision::Direction direction, Rendered& known
    ) const;

    ProjectOptions options_;
    std::filesystem::path program_;
    std::filesystem::path scratch_;
    std::map<std::string, std::string> environment_;
    std::string ini_;
    std::string scheme_ = "postgresql";
    revision::IdSet ids_;
};

}  // namespace tapline::alembic
