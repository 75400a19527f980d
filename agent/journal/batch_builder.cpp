#include "agent/journal/batch_builder.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace tapline::journal {

namespace {

/// What a batch needs besides its rows: names, hashes, and the clock notes of 16 boots.
constexpr std::size_t envelope_bytes = 4096;
/// {"first":9007199254740992,"last":9007199254740992},
constexpr std::size_t absent_bytes = 56;
/// A row over the limit keeps this much of each long value, then less.
constexpr std::size_t longest_kept = 4096;

struct Cutter {
    std::size_t longest;

    void operator()(Text& text) const { text.bytes.resize(std::min(text.bytes.size(), longest)); }

    void operator()(Blob& blob) const { blob.bytes.resize(std::min(blob.bytes.size(), longest)); }

    template <typename Other>
    void operator()(Other&) const {}
};

std::size_t cut_to(RawPour& pour, std::size_t limit) {
    auto bytes = wire::encoded_size_bound(pour);
    for (auto longest = longest_kept; bytes > limit && longest > 0; longest /= 2) {
        for (auto& column : pour.columns) {
            std::visit(Cutter{longest}, column.value);
        }
        bytes = wire::encoded_size_bound(pour);
    }
    return bytes;
}

}  // namespace

BatchBuilder::BatchBuilder(Seq after, const RowHash& previous, const BatchLimits& limits)
    : limits_(limits), next_(after + 1), bytes_(envelope_bytes) {
    batch_.first_seq = after + 1;
    batch_.prev_hash = previous;
    batch_.hash = previous;
}

void BatchBuilder::take(RawPour&& pour, std::size_t bytes) {
    if (pour.seq > next_) {
        batch_.absent.push_back({next_, pour.seq - 1});
    }
    bytes_ += bytes;
    next_ = pour.seq + 1;
    batch_.last_seq = pour.seq;
    batch_.rows.push_back(std::move(pour));
}

bool BatchBuilder::add(RawPour&& pour) {
    const auto rows = static_cast<std::int64_t>(batch_.rows.size());
    const bool hole = pour.seq > next_;
    const auto bytes = wire::encoded_size_bound(pour) + 1 + (hole ? absent_bytes : 0);
    const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(limits_.bytes, 0));
    const bool too_much = bytes_ + bytes > limit;
    const bool full =
        rows >= limits_.rows || (hole && batch_.absent.size() >= wire::max_absent_ranges);
    if (rows > 0 && (full || too_much || batch_.truncated)) {
        return false;
    }
    batch_.hash = next_hash(batch_.hash, pour);
    if (too_much) {
        cut_to(pour, limit > envelope_bytes ? limit - envelope_bytes : 0);
        batch_.truncated = true;
    }
    take(std::move(pour), bytes);
    return !batch_.truncated;
}

std::optional<wire::Batch> BatchBuilder::finish() {
    if (batch_.rows.empty()) {
        return std::nullopt;
    }
    return std::move(batch_);
}

}  // namespace tapline::journal
