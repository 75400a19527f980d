// StepRunner for a revision that commits in pieces.
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "central/revision/alone_run.hpp"
#include "central/revision/blockers.hpp"
#include "central/revision/step.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"

namespace tapline::revision {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view session_path_sql = "SET search_path = public";
constexpr std::string_view reset_sql =
    "RESET search_path; RESET lock_timeout; RESET statement_timeout";
constexpr milliseconds report_pause{1'000};

/// Settings for a statement that runs outside a transaction; back to the session's own at the end.
class SessionSettings {
  public:
    SessionSettings(pg::Session& session, milliseconds lock, milliseconds statement)
        : session_(session) {
        session_.run(session_path_sql);
        session_.run(fmt::format(
            "SET lock_timeout = {}; SET statement_timeout = {}", lock.count(), statement.count()
        ));
    }

    ~SessionSettings() {
        try {
            session_.run(reset_sql);
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a session that broke is not used
        }
    }

    SessionSettings(const SessionSettings&) = delete;
    SessionSettings& operator=(const SessionSettings&) = delete;

  private:
    pg::Session& session_;
};

/// Tells now and then how far a batch step is.
class Rate {
  public:
    Rate(std::int64_t done_before, std::int64_t to_do)
        : done_before_(done_before), to_do_(to_do), begin_(steady_clock::now()), told_(begin_) {}

    /// Empty unless it is time for a line.
    [[nodiscard]] std::string line(std::int64_t done, bool now) {
        const auto moment = steady_clock::now();
        if (!now && moment - told_ < report_pause) {
            return {};
        }
        told_ = moment;
        const double seconds = std::chrono::duration<double>(moment - begin_).count();
        const auto here = static_cast<double>(done - done_before_);
        const double rate = seconds > 0 ? here / seconds : 0;
        const double left = static_cast<double>(to_do_) - here;
        std::string text = fmt::format("  {} rows, {:.0f} rows/s", done, rate);
        if (rate > 0 && left > 0) {
            text += fmt::format(", about {:.0f} s left", left / rate);
        }
        return text;
    }

  private:
    std::int64_t done_before_;
    std::int64_t to_do_;
    steady_clock::time_point begin_;
    steady_clock::time_point told_;
};

}  // namespace

void StepRunner::run_pieces() {
    HalfDone at;
    retry_.run(step_.id, [&] { at = begin_or_resume(); });
    try {
        while (at.pieces < static_cast<std::int64_t>(pieces_.size())) {
            stop_if_asked(options_, step_.id);
            run_piece(pieces_[static_cast<std::size_t>(at.pieces)], at);
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::pg || error.code() == "table_locked") {
            forget_if_untouched(at);
        }
        throw;
    }
    tell(section_.statements.size());
    retry_.run(step_.id, [&] { finish(at); });
}

void StepRunner::run_piece(const Piece& piece, HalfDone& at) {
    switch (piece.kind) {
        case Piece::Kind::together:
            retry_.run(step_.id, [&] { run_together(piece, at); });
            break;
        case Piece::Kind::alone:
            run_alone(piece, at);
            break;
        case Piece::Kind::batch:
            run_batch(piece, at);
            break;
    }
}

/// A first piece that failed and left nothing is no half-done revision: its file may be corrected.
void StepRunner::forget_if_untouched(const HalfDone& at) {
    if (at.pieces > 0 || at.rows > 0 || !session_.is_open()) {
        return;
    }
    try {
        const Piece& first = pieces_.front();
        if (first.kind != Piece::Kind::alone || !at.started ||
            !AloneProbe(session_, first.alone).happened(at.before)) {
            pg::Transaction transaction(session_, settings());
            half_done_.remove(at);
            if (contract_ && step_.direction == Direction::upgrade) {
                compat::give_back(session_, *contract_);
            }
            transaction.commit();
        }
    } catch (const Error& error) {
        say(fmt::format("  what was begun stays noted: {}", error.what()));
    }
}

HalfDone StepRunner::begin_or_resume() {
    HalfDone at;
    at.lineage = lineage_.name;
    at.id = step_.id;
    at.direction = step_.direction;
    at.digest = digest(revision_);
    if (const auto known = half_done_.find(lineage_.name, step_.id)) {
        if (known->digest != at.digest) {
            throw Error(
                ErrorKind::refused,
                "half_done_changed",
                fmt::format(
                    "{} was changed while this database is half way through it (since {})",
                    revision_.file,
                    known->began_at
                ),
                "bring the file back to what was begun (version control has it), finish it, and "
                "put the change into a new revision"
            );
        }
        say(fmt::format("  goes on after piece {} of {}", known->pieces, pieces_.size()));
        return *known;
    }
    pg::Transaction transaction(session_, settings());
    bootstrap();
    // Before any piece: from the first one on nothing of an older shape may be settled.
    if (contract_ && step_.direction == Direction::upgrade) {
        compat::fix_minimum(session_, *contract_, who());
    }
    half_done_.write(at);
    transaction.commit();
    return at;
}

/// In the caller's transaction; `at` counts only once that committed.
void StepRunner::advance(HalfDone& at) {
    HalfDone next = at;
    ++next.pieces;
    next.started = false;
    next.before.clear();
    next.last_key.clear();
    next.rows = 0;
    half_done_.write(next);
    at = std::move(next);
}

void StepRunner::run_together(const Piece& piece, HalfDone& at) {
    HalfDone next = at;
    pg::Transaction transaction(session_, settings());
    for (std::size_t i = piece.first; i < piece.end; ++i) {
        statement(i);
    }
    advance(next);
    transaction.commit();
    at = std::move(next);
}

void StepRunner::run_alone(const Piece& piece, HalfDone& at) {
    AloneProbe probe(session_, piece.alone);
    const milliseconds lock = section_.lock_timeout.value_or(options_.lock_timeout);
    const SessionSettings settings(
        session_,
        probe.builds_index() ? milliseconds(0) : lock,
        section_.statement_timeout.value_or(milliseconds(0))
    );
    if (!at.started || !probe.happened(at.before)) {
        probe.clear_leftovers(options_.say);
        if (!at.started) {
            at.started = true;
            at.before = probe.before();
            half_done_.write(at);
        }
        tell(piece.first);
        const std::string sql = probe.sql_now(section_.statements[piece.first].text);
        retry_.run(step_.id, [&] { execute_alone(piece, sql, probe.builds_index()); });
        tell(piece.first, true);
    } else {
        say(fmt::format(
            "  line {}: done before the last run ended", section_.statements[piece.first].line
        ));
    }
    advance(at);
}

void StepRunner::execute_alone(const Piece& piece, const std::string& sql, bool builds_index) {
    const Statement& one = section_.statements[piece.first];
    AloneProbe probe(session_, piece.alone);
    try {
        const BuildWatch watch(options_.connect, session_.backend_pid(), options_.say);
        session_.run(sql);
    } catch (const Error& error) {
        if (error.code() == "lock_timeout") {
            throw;
        }
        // What a failed build leaves would be paid for by every write until the next run.
        if (session_.is_open()) {
            probe.clear_leftovers(options_.say);
        }
        throw Error(
            error.kind(),
            error.code(),
            fmt::format("{} line {}: {}", revision_.file, one.line, error.what()),
            "what came before this statement stays done; put the cause right and run the same "
            "command again: it goes on here",
            error.sqlstate()
        );
    }
    if (builds_index && piece.alone.kind == AloneKind::create_index && !probe.happened({})) {
        throw Error(
            ErrorKind::pg,
            "index_missing",
            fmt::format(
                "{} line {}: PostgreSQL says the index {} is made, and no valid one of that name "
                "is on {}",
                revision_.file,
                one.line,
                piece.alone.name,
                piece.alone.relation
            ),
            "is there an index of that name on another table? Give it another name"
        );
    }
}

std::int64_t StepRunner::run_page(BatchPages& pages, std::size_t index, HalfDone& at) {
    HalfDone next = at;
    pg::Transaction transaction(session_, settings());
    const BatchPages::Page page = pages.run(at.last_key);
    next.rows += page.rows;
    next.last_key = page.last_key;
    if (page.rows == 0 && at.last_key.empty()) {
        advance(next);
    } else {
        half_done_.write(next);
    }
    if (page.rows > 0) {
        tell(index, true);
    }
    transaction.commit();
    at = std::move(next);
    return page.rows;
}

void StepRunner::run_batch(const Piece& piece, HalfDone& at) {
    const Statement& one = section_.statements[piece.first];
    const std::int64_t mine = at.pieces;
    std::optional<BatchPages> pages;
    std::int64_t to_do = 0;
    {
        pg::Transaction transaction(session_, settings());
        pages.emplace(session_, *piece.batch, one);
        to_do = pages->remaining();
    }
    Rate rate(at.rows, to_do);
    say(fmt::format("  {}: {} rows to do", piece.batch->table, to_do));
    while (at.pieces == mine) {
        stop_if_asked(options_, step_.id);
        tell(piece.first);
        std::int64_t rows = 0;
        try {
            retry_.run(step_.id, [&] { rows = run_page(*pages, piece.first, at); });
        } catch (const Error& error) {
            throw Error(
                error.kind(),
                error.code(),
                fmt::format("{} line {}: {}", revision_.file, one.line, error.what()),
                error.hint() + "; finished pages stay, the same command goes on from there",
                error.sqlstate()
            );
        }
        if (const std::string line = rate.line(at.rows, false); !line.empty()) {
            say(line);
        }
        if (rows > 0) {
            std::this_thread::sleep_for(piece.batch->pause);
        }
    }
    say(fmt::format("  {}: done", piece.batch->table));
}

void StepRunner::finish(const HalfDone& at) {
    pg::Transaction transaction(session_, settings());
    ledger_.lock_heads(lineage_.name, heads_);
    if (contract_ && step_.direction == Direction::downgrade) {
        compat::give_back(session_, *contract_);
    }
    write_version_and_log();
    half_done_.remove(at);
    transaction.commit();
}

}  // namespace tapline::revision
