// The Journal interface over a vector: for tests that are about the syncer and not about the file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/journal/journal.hpp"
#include "common/error.hpp"

namespace tapline::test {

/// What stands on the "disk"; a MemoryJournal is one opening of it.
struct MemoryFile {
    struct Row {
        RawPour pour;
        std::string status = "new";
    };

    journal::Identity identity;
    std::vector<Row> rows;
    std::int64_t version = 1;
    std::int64_t wal_pages = 0;
    std::int64_t writes = 0;
    std::int64_t checkpoints = 0;
    std::int64_t opens = 0;
    std::int64_t longest_mark = 0;
    std::int64_t mark_calls = 0;
    std::int64_t heal_calls = 0;
    std::int64_t heals_needed = 1;
    std::int64_t free_bytes = std::int64_t{8} << 30U;
    std::vector<journal::PruneOrder> prunes;
    std::int64_t prunable_rows = 0;
    std::vector<wire::Boot> boots;
    std::optional<Error> open_failure;
    std::optional<Error> write_failure;
    bool full_of_wal = false;  ///< write_failure lasts until the WAL has been copied back
    std::optional<Error> read_failure;
    bool left_behind = false;
    bool swapped = false;
    bool read_only = false;

    MemoryFile() {
        identity.journal_id = "11111111-2222-4333-8444-555555555555";
        identity.revision = "j0001";
    }

    void pour(std::int64_t volume_ml = 100) {
        Row row;
        row.pour.seq = rows.empty() ? 1 : rows.back().pour.seq + 1;
        row.pour.columns = {
            {"client_tx_id", Text{"tx" + std::to_string(row.pour.seq)}}, {"volume_ml", volume_ml}};
        rows.push_back(std::move(row));
        ++version;
        wal_pages += 4;
    }

    void pour_many(int count) {
        for (int i = 0; i < count; ++i) {
            pour();
        }
    }

    [[nodiscard]] std::int64_t count(const std::string& status) const {
        std::int64_t found = 0;
        for (const auto& row : rows) {
            found += row.status == status ? 1 : 0;
        }
        return found;
    }
};

class MemoryJournal final : public journal::Journal {
  public:
    explicit MemoryJournal(MemoryFile& file) : file_(file) { ++file_.opens; }

    [[nodiscard]] journal::Identity identity() override { return file_.identity; }

    [[nodiscard]] journal::Counts counts() override {
        journal::Counts counts;
        counts.max_seq = file_.rows.empty() ? 0 : file_.rows.back().pour.seq;
        for (const auto& row : file_.rows) {
            counts.depth += row.pour.seq > file_.identity.acked_through ? 1 : 0;
        }
        counts.wal_pages = file_.wal_pages;
        counts.free_bytes = file_.free_bytes;
        return counts;
    }

    [[nodiscard]] std::int64_t data_version() override { return file_.version; }

    [[nodiscard]] bool left_behind() const override { return file_.left_behind; }

    [[nodiscard]] bool swapped() override { return file_.swapped; }

    [[nodiscard]] bool read_only() const override { return file_.read_only; }

    [[nodiscard]] std::optional<wire::Batch> next_batch(
        Seq after, const RowHash& previous, journal::BatchLimits limits
    ) override {
        if (file_.read_failure) {
            throw Error(*file_.read_failure);
        }
        wire::Batch batch;
        batch.journal_id = file_.identity.journal_id;
        batch.epoch = file_.identity.epoch;
        batch.revision = file_.identity.revision;
        batch.first_seq = after + 1;
        batch.prev_hash = previous;
        batch.hash = previous;
        std::size_t bytes = 0;
        for (const auto& row : file_.rows) {
            if (row.pour.seq <= after) {
                continue;
            }
            bytes += wire::encoded_size_bound(row.pour);
            const bool full = std::cmp_greater_equal(batch.rows.size(), limits.rows) ||
                              std::cmp_greater(bytes, limits.bytes);
            if (full && !batch.rows.empty()) {
                break;
            }
            batch.rows.push_back(row.pour);
            batch.hash = next_hash(batch.hash, row.pour);
            batch.last_seq = row.pour.seq;
        }
        if (batch.rows.empty()) {
            return std::nullopt;
        }
        return batch;
    }

    [[nodiscard]] std::optional<RowHash> hash_at(Seq seq) override {
        RowHash hash{};
        for (const auto& row : file_.rows) {
            hash = next_hash(hash, row.pour);
            if (row.pour.seq == seq) {
                return hash;
            }
        }
        return std::nullopt;
    }

    journal::Marked mark_held(Seq through, std::int64_t limit) override {
        ++file_.mark_calls;
        std::int64_t marked = 0;
        for (auto& row : file_.rows) {
            if (marked < limit && row.pour.seq <= through && row.status == "new") {
                row.status = "held";
                ++marked;
            }
        }
        if (marked > 0) {
            write();
        }
        file_.longest_mark = std::max(file_.longest_mark, marked);
        return {marked, marked == limit};
    }

    journal::Marked heal_settled() override {
        ++file_.heal_calls;
        return {0, file_.heal_calls < file_.heals_needed};
    }

    void record_ack(const journal::AckRecord& ack) override {
        write();
        for (auto& row : file_.rows) {
            if (row.pour.seq >= ack.first_seq && row.pour.seq <= ack.acked_through) {
                const bool bad =
                    std::find(ack.quarantined.begin(), ack.quarantined.end(), row.pour.seq) !=
                    ack.quarantined.end();
                row.status = bad ? "quarantined" : "confirmed";
            }
        }
        file_.identity.acked_through = ack.acked_through;
        file_.identity.acked_hash = ack.hash;
        for (const auto& item : ack.released) {
            file_.identity.released_through = std::max(file_.identity.released_through, item.id);
            for (auto& row : file_.rows) {
                row.status = row.pour.seq == item.seq ? "confirmed" : row.status;
            }
        }
    }

    void move_cursor(Seq cursor, const RowHash& hash) override {
        write();
        file_.identity.acked_through = cursor;
        file_.identity.acked_hash = hash;
    }

    [[nodiscard]] std::vector<wire::ChainPoint> chain_points(std::int64_t limit) override {
        std::vector<wire::ChainPoint> points;
        RowHash hash{};
        for (const auto& row : file_.rows) {
            hash = next_hash(hash, row.pour);
            if (std::cmp_less(points.size(), limit)) {
                points.push_back({row.pour.seq, hash});
            }
        }
        return points;
    }

    void start_epoch(const wire::EpochGrant& grant) override {
        write();
        file_.identity.epoch = grant.epoch;
        file_.identity.salvaged = false;
        file_.identity.acked_through = grant.cursor;
        file_.identity.acked_hash = grant.hash;
        file_.identity.prunable_through = grant.prunable_through;
    }

    void note_prunable(Seq through) override {
        write();
        file_.identity.prunable_through = through;
    }

    std::int64_t checkpoint() override {
        ++file_.checkpoints;
        file_.wal_pages = 0;
        if (file_.full_of_wal) {
            file_.write_failure.reset();
        }
        return 0;
    }

    journal::Pruned prune(const journal::PruneOrder& order) override {
        file_.prunes.push_back(order);
        journal::Pruned pruned;
        if (file_.prunable_rows >= order.at_least) {
            write();
            pruned.rows = std::min(file_.prunable_rows, order.rows);
            file_.prunable_rows -= pruned.rows;
        }
        pruned.more = pruned.rows > 0 && file_.prunable_rows > 0;
        return pruned;
    }

    void note_running(std::chrono::seconds) override {}

    void note_clock(const wire::Boot& boot) override {
        if (file_.write_failure) {
            throw Error(*file_.write_failure);
        }
        file_.boots.push_back(boot);
    }

  private:
    void write() {
        if (file_.write_failure) {
            throw Error(*file_.write_failure);
        }
        ++file_.writes;
        ++file_.wal_pages;
    }

    MemoryFile& file_;
};

}  // namespace tapline::test
