#include "agent/journal/retention.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/secret_file.hpp"
#include "common/test_hook.hpp"

namespace tapline::journal {

namespace {

constexpr std::chrono::seconds least_worth_writing{60};

Ages read_ages(const std::filesystem::path& file, const std::string& journal_id) {
    try {
        return Ages::decode(read_small_file(file).value_or(""), journal_id);
    } catch (const Error& failure) {
        spdlog::warn("how old pours are isn't known: {}", printable(failure.what()));
        return Ages(journal_id);
    }
}

}  // namespace

Retention::Retention(std::filesystem::path real_journal, const std::string& journal_id)
    : file_(std::move(real_journal) += ".tapline.ages"),
      ages_(read_ages(file_, journal_id)),
      before_(ages_.uptime()),
      written_(before_) {}

Pruned Retention::prune(Database& database, Rows& rows, Cursor& cursor, const PruneOrder& order) {
    const auto identity = cursor.read();
    const auto now = before_ + order.running;
    if (ages_.note(now, identity.acked_through)) {
        write();
    }
    const Seq newest = rows.max_seq();
    Pruned result;
    result.through = identity.pruned_through;
    result.pours_per_day = ages_.pours_per_day(newest, now);
    const Seq old =
        order.keep.count() == 0 ? identity.acked_through : ages_.acked_for(order.keep, now);
    const Seq through =
        std::min({old, identity.prunable_through, identity.acked_through, newest - 1});
    if (rows.next_seqs(identity.pruned_through, through, order.at_least).rows < order.at_least) {
        return result;
    }
    const auto part = rows.next_seqs(identity.pruned_through, through, order.rows);
    test_stop_at("prune");
    Transaction transaction(database);
    result.rows = rows.remove(identity.pruned_through, part.last);
    cursor.set_pruned(part.last);
    transaction.commit();
    test_stop_at("pruned");
    result.through = part.last;
    result.more = rows.next_seqs(part.last, through, 1).rows > 0;
    return result;
}

void Retention::note_running(std::chrono::seconds running) {
    // A storm of restarts adds up to nothing, and needn't be written.
    ages_.advance(before_ + running);
    if (ages_.uptime() >= written_ + least_worth_writing) {
        write();
    }
}

void Retention::write() {
    try {
        write_secret_file(file_, ages_.encode());
        written_ = ages_.uptime();
    } catch (const Error& failure) {
        spdlog::warn("how old pours are isn't kept: {}", printable(failure.what()));
    }
}

}  // namespace tapline::journal
