// Whether imported files do what Alembic does: step by step, in two databases of a private server.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "central/catalog/compare.hpp"
#include "central/import/project.hpp"
#include "central/revision/run_options.hpp"

namespace tapline::alembic {

/// What one step showed. Expected is Alembic's database, found is ours.
struct StepProof {
    enum class Outcome {
        equal,
        differs,        ///< findings and data say in what
        ours_fails,     ///< reason
        alembic_fails,  ///< reason: Alembic can't do the step itself, so there is nothing to equal
        not_imported,   ///< a section that is to be written by hand
        no_way_back,    ///< downgrade: irreversible
        not_tried,      ///< below a downgrade that Alembic can't do
    };
    std::string id;
    revision::Direction direction = revision::Direction::upgrade;
    Outcome outcome = Outcome::equal;
    std::string reason;
    std::vector<catalog::Finding> findings;
    std::vector<std::string> data;
    std::vector<std::string> notes;  ///< that no step before it had
};

[[nodiscard]] std::string_view to_string(StepProof::Outcome outcome) noexcept;

class Proof {
  public:
    /// server: a database of a private server on a Unix socket, where databases may be made and
    /// dropped at will. set: the imported files as the lineage `app`; what it has and the project
    /// hasn't are parts of what stands on them. All but server must outlive it.
    /// Throws Error{refused, "alembic_elsewhere"} when the project's env.py doesn't take the
    /// database that it is told.
    Proof(Project& project, const revision::LineageSet& set, pg::ConnectOptions server);
    ~Proof();
    Proof(const Proof&) = delete;
    Proof& operator=(const Proof&) = delete;

    /// Up to the heads, then down to base. tell: each verdict as it comes.
    [[nodiscard]] std::vector<StepProof> run(
        const std::vector<AlembicRevision>& revisions,
        const std::function<void(const StepProof&)>& tell
    );

  private:
    [[nodiscard]] StepProof up(const AlembicRevision& revision);
    [[nodiscard]] StepProof down(const AlembicRevision& revision);
    /// The ids of our files that make up the revision, the lowest first; none: it has no file.
    [[nodiscard]] std::vector<std::string> files_of(const std::string& id) const;
    /// Whether all of its files are without such statements, or one is a guard.
    [[nodiscard]] bool is_empty(const std::string& id, revision::Direction direction) const;
    [[nodiscard]] bool has_guard(const std::string& id, revision::Direction direction) const;
    [[nodiscard]] bool irreversible(const std::string& id) const;
    /// Afterwards Alembic's database is to be what it was before the upgrade, whatever it did.
    [[nodiscard]] bool needs_copy(const std::string& id) const;
    void forget(const std::string& id);
    void compare(StepProof& proof);
    void explain(StepProof& proof) const;
    void copy(const std::string& from, const std::string& to);
    void start_over_from_alembic();
    void go_back_to_before(const std::string& id);
    void check_target();
    /// Runs the files of the revision (its parts, too). Empty, or why it failed.
    [[nodiscard]] std::string run_ours(const std::string& id, revision::Direction direction);
    void set_version_rows(pg::Session& session, const std::vector<std::string>& ids);
    [[nodiscard]] pg::ConnectOptions database(const std::string& name) const;

    Project& project_;
    const revision::LineageSet& set_;
    pg::ConnectOptions server_;
    revision::RunOptions options_;
    revision::IdSet project_ids_;
    std::set<std::string> noted_;
    revision::IdSet applied_;  ///< of our files, parts included
};

}  // namespace tapline::alembic
