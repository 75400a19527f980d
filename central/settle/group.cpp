#include "central/settle/group.hpp"

#include <utility>

#include <fmt/format.h>

#include "central/settle/ladder.hpp"
#include "central/settle/parts.hpp"
#include "central/settle/problems.hpp"
#include "common/clock.hpp"
#include "common/test_pour.hpp"

namespace tapline::settle {

namespace {

constexpr std::string_view check_at_once_sql = "SET CONSTRAINTS ALL IMMEDIATE";

std::vector<SettleRow> fresh_rows(const std::vector<Part>& parts) {
    std::vector<SettleRow> rows;
    for (const auto& part : parts) {
        for (std::size_t i = part.first; !part.refused && i < part.batch->rows.size(); ++i) {
            rows.push_back(row_of(part, i));
        }
    }
    return rows;
}

std::vector<Move> whole_moves(const std::vector<Part>& parts) {
    std::vector<Move> moves;
    for (const auto& part : parts) {
        if (!part.refused && part.first < part.batch->rows.size()) {
            moves.push_back({part.batch, part.batch->rows.size() - 1});
        }
    }
    return moves;
}

void note_rejections(
    const std::vector<SettleRow>& rows,
    std::vector<Outcome>& outcomes,
    const std::vector<Part>& parts
) {
    std::size_t at = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const auto& part = parts[p];
        if (part.refused) {
            continue;
        }
        auto& ack = std::get<wire::Ack>(outcomes[p]);
        for (std::size_t i = part.first; i < part.batch->rows.size(); ++i, ++at) {
            const auto* rejection = std::get_if<Rejection>(&*rows[at].decision);
            // For the tap's program a test is over, like any pour that got through.
            if (rejection != nullptr && rejection->code != test_pour_code) {
                ack.quarantined.push_back({rows[at].raw->seq, rejection->code, rejection->detail});
            }
        }
    }
}

DecideOptions decide_options(const GroupOptions& options) {
    DecideOptions made;
    made.price_from_journal = options.price_from_journal;
    return made;
}

/// One row, undone alone and kept in quarantine when PostgreSQL refuses it.
void settle_alone(pg::Session& session, const SettleRow& row, const GroupOptions& options) {
    std::vector<SettleRow> rows{row};
    try {
        pg::Savepoint savepoint(session);
        settle_rows(session, rows, decide_options(options));
        keep_rows(session, rows);
        savepoint.release();
        return;
    } catch (const Error& error) {
        if (classify(error) != Fault::row) {
            throw;
        }
        const auto& name = error.sqlstate().empty() ? error.code() : error.sqlstate();
        rows[0].decision = Rejection{fmt::format("settle_error/{}", name), error.what()};
    }
    keep_rows(session, rows);
}

}  // namespace

std::vector<Outcome> settle_group(
    pg::Session& session, const std::vector<const Prepared*>& batches, const GroupOptions& options
) {
    pg::Transaction transaction(session);
    if (auto reason = begin_settling(session, options)) {
        return std::vector<Outcome>(batches.size(), problems::hold(*reason));
    }
    const auto parts = place_batches(session, batches);
    auto rows = fresh_rows(parts);
    DecideOptions decide_options;
    decide_options.price_from_journal = options.price_from_journal;
    settle_rows(session, rows, decide_options);
    keep_rows(session, rows);
    move_cursors(session, whole_moves(parts));
    std::vector<Outcome> outcomes;
    outcomes.reserve(parts.size());
    for (const auto& part : parts) {
        if (part.refused) {
            outcomes.emplace_back(*part.refused);
        } else {
            outcomes.emplace_back(ack_of(session, part));
        }
    }
    note_rejections(rows, outcomes, parts);
    commit_settling(transaction);
    return outcomes;
}

Outcome settle_one_by_one(
    pg::Session& session, const Prepared& batch, const GroupOptions& options
) {
    const SystemClock clock;
    // Every turn settles a row at least, and the last one only collects the answer.
    for (std::size_t turn = 0; turn <= batch.rows.size(); ++turn) {
        pg::Transaction transaction(session);
        if (auto reason = begin_settling(session, options)) {
            return problems::hold(*reason);
        }
        session.run(check_at_once_sql);
        const auto parts = place_batches(session, {&batch});
        const auto& part = parts.front();
        if (part.refused) {
            return *part.refused;
        }
        std::size_t next = part.first;
        if (next == batch.rows.size()) {
            auto ack = ack_of(session, part);
            commit_settling(transaction);
            return ack;
        }
        const auto commit_at = clock.now_mono() + slow_commit_after;
        do {
            settle_alone(session, row_of(part, next), options);
            ++next;
        } while (next < batch.rows.size() && clock.now_mono() < commit_at);
        move_cursors(session, {{&batch, next - 1}});
        commit_settling(transaction);
    }
    return problems::try_later("unsettled", "the batch didn't come to an end; it is sent again");
}

}  // namespace tapline::settle
