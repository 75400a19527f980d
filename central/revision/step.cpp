#include "central/revision/step.hpp"

#include <optional>

#include <fmt/format.h>

#include "central/revision/row_guard.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"

namespace tapline::revision {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// raise_exception and object_in_use: what a revision's author raises in a DO block to stop it.
bool raised_on_purpose(std::string_view sqlstate) {
    return sqlstate == "P0001" || sqlstate == "55006";
}

std::string hint_for(const Error& error) {
    // duplicate_table, duplicate_object
    if (error.sqlstate() == "42P07" || error.sqlstate() == "42710") {
        return "the object is there already: was the schema made by another tool? Compare it, then "
               "`tapline-central stamp` the revision it equals";
    }
    return error.hint().empty() ? "the database is as it was before this revision" : error.hint();
}

}  // namespace

StepRunner::StepRunner(
    pg::Session& session,
    const RunOptions& options,
    const DatabaseLineage& lineage,
    const Step& step,
    const std::vector<std::string>& heads,
    RunState& state
)
    : session_(session),
      options_(options),
      lineage_(lineage),
      step_(step),
      heads_(heads),
      state_(state),
      revision_(lineage.lineage.at(step.id)),
      section_(revision_.section(step.direction)),
      pieces_(pieces_of(revision_, step.direction)),
      contract_(contract_of(lineage.name, revision_)),
      ledger_(session),
      half_done_(session),
      retry_(options, state.watch) {}

void StepRunner::say(const std::string& line) const {
    if (options_.say) {
        options_.say(line);
    }
}

void StepRunner::tell(std::size_t index, bool executed) const {
    if (options_.progress) {
        options_.progress({revision_, step_.direction, index, section_.statements.size(), executed}
        );
    }
}

void StepRunner::run() {
    const bool whole = pieces_.size() == 1 && pieces_.front().kind == Piece::Kind::together;
    if (whole) {
        run_whole();
    } else {
        run_pieces();
    }
}

std::string StepRunner::settings() const {
    // The bar's files name their tables without a schema, as Alembic's did.
    return fmt::format(
        "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; "
        "SET LOCAL search_path = public",
        section_.lock_timeout.value_or(options_.lock_timeout).count(),
        section_.statement_timeout.value_or(milliseconds(0)).count()
    );
}

void StepRunner::bootstrap() {
    ledger_.bootstrap(lineage_.name);
    half_done_.bootstrap();
}

void StepRunner::statement(std::size_t index) {
    const Statement& one = section_.statements[index];
    stop_if_asked(options_, step_.id);
    tell(index);
    try {
        session_.run(one.text);
    } catch (const Error& error) {
        const bool guard = raised_on_purpose(error.sqlstate());
        throw Error(
            guard ? ErrorKind::refused : error.kind(),
            guard ? "refused_by_revision" : error.code(),
            fmt::format("{} line {}: {}", revision_.file, one.line, error.what()),
            hint_for(error),
            error.sqlstate()
        );
    }
    tell(index, true);
}

void StepRunner::write_version_and_log() {
    LogEntry entry;
    entry.lineage = lineage_.name;
    entry.id = step_.id;
    entry.action = std::string(to_string(step_.direction));
    entry.digest = digest(revision_);
    entry.heads_after = step_.heads_after;
    entry.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun_);
    entry.downgrade_sql = revision_.downgrade.raw;
    ledger_.record(entry);
}

void StepRunner::run_whole() {
    std::set<std::string> may_drop;
    for (bool again = true; again;) {
        retry_.run(step_.id, [&] {
            auto lost = attempt_whole(may_drop);
            again = !lost.empty();
            may_drop.merge(lost);
        });
    }
}

std::set<std::string> StepRunner::attempt_whole(const std::set<std::string>& may_drop) {
    begun_ = steady_clock::now();
    // The version is locked first: another tool that moves it is met before the work, not after.
    const bool ready = state_.ready.contains(lineage_.name);
    const std::string begin =
        ready ? fmt::format("{}; {}", settings(), Ledger::lock_heads_sql(lineage_.name))
              : settings();
    pg::Transaction transaction(session_, begin);
    if (ready) {
        Ledger::check_heads(lineage_.name, heads_, transaction.begun());
    } else {
        bootstrap();
        ledger_.lock_heads(lineage_.name, heads_);
    }
    if (contract_ && step_.direction == Direction::upgrade) {
        compat::fix_minimum(session_, *contract_, who());
    }
    std::optional<RowGuard> guard;
    if (step_.direction == Direction::downgrade && lineage_.name == LineageName::app &&
        !options_.discard_rows) {
        guard.emplace(session_, may_drop, step_.id);
    }
    for (std::size_t i = 0; i < section_.statements.size(); ++i) {
        statement(i);
    }
    tell(section_.statements.size());
    if (auto lost = guard ? guard->unseen_losses() : std::set<std::string>{}; !lost.empty()) {
        return lost;
    }
    if (contract_ && step_.direction == Direction::downgrade) {
        compat::give_back(session_, *contract_);
    }
    write_version_and_log();
    transaction.commit();
    // A downgrade may have dropped them.
    if (step_.direction == Direction::upgrade) {
        state_.ready.insert(lineage_.name);
    } else {
        state_.ready.clear();
    }
    return {};
}

}  // namespace tapline::revision
