#include "central/settle/prepare.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "central/settle/journal_shapes.hpp"
#include "central/settle/problems.hpp"

namespace tapline::settle {

namespace {

using Verdict = std::optional<wire::Problem>;

constexpr std::size_t max_revision_bytes = 32;

bool is_revision(std::string_view text) noexcept {
    const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_';
    };
    return !text.empty() && text.size() <= max_revision_bytes &&
           std::all_of(text.begin(), text.end(), fits);
}

Verdict check_envelope(const wire::Batch& batch) {
    if (!is_uuid(batch.journal_id)) {
        return problems::bad_request("bad_journal_id", "the journal's id isn't a lower-case UUID");
    }
    if (batch.epoch < 1) {
        return problems::bad_request("bad_epoch", "epochs count from 1");
    }
    if (!is_revision(batch.revision)) {
        return problems::bad_request("bad_revision", "revision isn't a revision id");
    }
    if (batch.rows.empty()) {
        return problems::bad_request("empty_batch", "a batch holds at least one pour");
    }
    if (batch.rows.size() > wire::max_batch_rows) {
        return problems::bad_request(
            "too_many_rows", fmt::format("{} rows, at most 500 are allowed", batch.rows.size())
        );
    }
    if (batch.truncated && batch.rows.size() != 1) {
        return problems::bad_request("truncated_not_alone", "a cut row comes alone");
    }
    return std::nullopt;
}

/// Adoption numbers pours within this; a cursor beyond it would swallow every later pour.
constexpr Seq max_seq = Seq{1} << 53;

Verdict check_order(const wire::Batch& batch) {
    if (batch.first_seq < 1 || batch.rows.front().seq < batch.first_seq) {
        return problems::bad_request(
            "wrong_first_seq",
            fmt::format("first_seq {}, first row {}", batch.first_seq, batch.rows.front().seq)
        );
    }
    Seq before = batch.first_seq - 1;
    for (const auto& row : batch.rows) {
        if (row.seq <= before) {
            return problems::bad_request(
                "not_ascending", fmt::format("row {} comes after row {}", row.seq, before)
            );
        }
        before = row.seq;
    }
    if (before > max_seq) {
        return problems::bad_request(
            "wrong_last_seq", fmt::format("row {} is beyond 2^53; no journal gets there", before)
        );
    }
    if (before != batch.last_seq) {
        return problems::bad_request(
            "wrong_last_seq", fmt::format("last_seq {}, last row {}", batch.last_seq, before)
        );
    }
    return std::nullopt;
}

Verdict check_absent(const wire::Batch& batch) {
    std::vector<wire::AbsentRange> holes;
    Seq next = batch.first_seq;
    for (const auto& row : batch.rows) {
        if (row.seq > next) {
            holes.push_back({next, row.seq - 1});
        }
        next = std::min(row.seq, std::numeric_limits<Seq>::max() - 1) + 1;
    }
    if (holes != batch.absent) {
        return problems::bad_request(
            "absent_mismatch", "absent doesn't name exactly the seqs left out"
        );
    }
    return std::nullopt;
}

bool columns_ascend(const RawPour& row) noexcept {
    const auto not_below = [](const Column& left, const Column& right) {
        return left.name >= right.name;
    };
    return std::adjacent_find(row.columns.begin(), row.columns.end(), not_below) ==
           row.columns.end();
}

std::optional<std::int64_t> readable_time(const RawPour& row, std::string_view column) {
    const auto* value = row.find(column);
    const auto* text = value == nullptr ? nullptr : std::get_if<Text>(value);
    return text == nullptr ? std::nullopt : parse_timestamp_us(text->bytes);
}

/// A row that waits in quarantine is settled later by its own time, as far as it can be read.
PourTime time_of_refused(const RawPour& row, const ClockView& clock) {
    constexpr std::int64_t day_ms = 86'400'000;
    CleanPour part;
    part.seq = row.seq;
    part.start_us = readable_time(row, "start_ts");
    part.recorded_us = readable_time(row, "recorded_at");
    const auto* value = row.find("duration_ms");
    const auto* duration_ms = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
    if (duration_ms != nullptr && *duration_ms >= 0 && *duration_ms <= day_ms) {
        part.duration_ms = *duration_ms;
    }
    return pour_time(part, clock);
}

Verdict fill_rows(Prepared& prepared, std::int64_t received_us) {
    const auto& batch = prepared.batch;
    const ClockView clock{&batch.boots, &batch.clock, received_us};
    RowHash hash = batch.prev_hash;
    RawPour scratch;
    prepared.rows.reserve(batch.rows.size());
    for (const auto& row : batch.rows) {
        if (!columns_ascend(row)) {
            return problems::bad_request(
                "columns_not_ascending",
                fmt::format("columns of row {} aren't in name order", row.seq)
            );
        }
        PreparedRow& made = prepared.rows.emplace_back();
        const RawPour& read = translated(batch.revision, row, scratch);
        if (batch.truncated) {
            hash = batch.hash;
            made.pour = Rejection{"row_too_large", "the row came cut; only its hash is whole"};
        } else {
            hash = next_hash(hash, row);
            made.pour = check_pour(read);
        }
        made.hash = hash;
        const auto* clean = std::get_if<CleanPour>(&made.pour);
        made.time = clean != nullptr ? pour_time(*clean, clock) : time_of_refused(read, clock);
    }
    std::vector<PourTime*> times;
    times.reserve(prepared.rows.size());
    for (auto& made : prepared.rows) {
        times.push_back(&made.time);
    }
    bound_times(times, received_us);
    if (hash != batch.hash) {
        return problems::bad_request("hash_mismatch", "the row chain doesn't end in hash");
    }
    return std::nullopt;
}

}  // namespace

bool is_uuid(std::string_view text) noexcept {
    if (text.size() != 36) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex) {
            return false;
        }
    }
    return true;
}

std::string storable_id(const RawPour& row) {
    const auto* value = row.find("client_tx_id");
    const auto* text = value == nullptr ? nullptr : std::get_if<Text>(value);
    // Bytes, not characters: a longer id can't be in pours, and the raw row keeps it whole.
    const bool fits = text != nullptr && !text->bytes.empty() &&
                      text->bytes.size() <= 4 * max_client_tx_id_chars &&
                      text->bytes.find('\0') == std::string::npos && is_valid_utf8(text->bytes);
    return fits ? text->bytes : std::string();
}

std::variant<Prepared, wire::Problem> prepare(
    std::string controller, wire::Batch batch, std::int64_t received_us
) {
    using Check = Verdict (*)(const wire::Batch&);
    static constexpr Check checks[] = {check_envelope, check_order, check_absent};
    for (const auto check : checks) {
        if (auto problem = check(batch)) {
            return std::move(*problem);
        }
    }
    Prepared prepared;
    prepared.controller = std::move(controller);
    prepared.batch = std::move(batch);
    if (auto problem = fill_rows(prepared, received_us)) {
        return std::move(*problem);
    }
    return prepared;
}

}  // namespace tapline::settle
