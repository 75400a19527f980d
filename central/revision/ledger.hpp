// What the central database knows of its revisions: version tables, digests, and the log.
//
// The schema `tapline`, its version table and the log are made by the engine itself, in the
// transaction of whatever it runs first (app's 0001, as a rule), because that run has to be logged
// too. t0001 and later revisions of the lineage `tapline` make everything else in the schema.
// Taking `tapline` down to base leaves these three: a log that went away with what it tells of
// would be none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::revision {

struct LogEntry {
    LineageName lineage = LineageName::app;
    std::string id;      ///< the revision, or "base" for `stamp base`
    std::string action;  ///< upgrade, downgrade, stamp
    bool failed = false;
    std::string digest;
    std::vector<std::string> heads_before;  ///< of a stamp: the rows that it replaced
    std::vector<std::string> heads_after;
    std::chrono::milliseconds duration{};
    std::string downgrade_sql;  ///< as it was when the revision was applied
    std::string error;
};

/// All calls need an open transaction but the reading ones; they throw as pg::Session does.
class Ledger {
  public:
    explicit Ledger(pg::Session& session) : session_(session) {}

    /// Makes what is missing of the version table and the log, and gives a role named `tapline` the
    /// search_path `public` in this database; otherwise changes nothing.
    void bootstrap(LineageName lineage);

    [[nodiscard]] bool has_table(LineageName lineage);
    /// By id; empty without a version table.
    [[nodiscard]] std::vector<std::string> heads(LineageName lineage);

    /// Replaces the rows of the version table. Throws Error{refused, "changed_meanwhile"} when they
    /// aren't `before` any more: somebody else's migration tool was at work.
    void move_heads(
        LineageName lineage,
        const std::vector<std::string>& before,
        const std::vector<std::string>& after
    );

    /// What lock_heads runs, to be sent with other statements; check_heads takes its result.
    [[nodiscard]] static std::string_view lock_heads_sql(LineageName lineage);
    /// Nobody else's tool moves the version from here to the end of the transaction. Throws
    /// Error{refused, "changed_meanwhile"} when it isn't `before`.
    void lock_heads(LineageName lineage, const std::vector<std::string>& before);
    static void check_heads(
        LineageName lineage, const std::vector<std::string>& before, const pg::Result& found
    );

    /// The new version rows and the line in the log; after lock_heads.
    void record(const LogEntry& entry);

    /// Digest with which each revision was last applied or stamped; those without an entry (a
    /// database that Alembic made) are absent.
    [[nodiscard]] std::map<std::string, std::string> digests(LineageName lineage);

    void write(const LogEntry& entry);

  private:
    pg::Session& session_;
};

/// "anna@pi-shop", and who became root to run this.
[[nodiscard]] std::string who();

/// The SQL of Ledger::bootstrap, for a script; without the role's search_path.
[[nodiscard]] std::string bootstrap_script(LineageName lineage);

/// "tapline" as a number: the advisory lock that says that an upgrade runs.
inline constexpr std::int64_t runner_lock_key = 32758232781516389;

/// Throws Error{refused, "digest_changed"} when a file of an applied revision isn't the one that
/// was applied. heads: of the version table; ids without a file are left to the planner.
void check_digests(
    Ledger& ledger, const DatabaseLineage& lineage, const std::vector<std::string>& heads
);

}  // namespace tapline::revision
