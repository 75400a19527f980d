#include "agent/salvage/own_rows.hpp"

#include <algorithm>
#include <string_view>

#include "agent/salvage/record.hpp"

namespace tapline::salvage {

namespace {

using Values = std::vector<Value>;

constexpr std::int64_t max_epoch = std::int64_t{1} << 40U;
constexpr Seq max_seq = Seq{1} << 53U;

const std::string* text(const Values& values, std::size_t at) {
    const auto* found = std::get_if<Text>(&values[at]);
    return found == nullptr ? nullptr : &found->bytes;
}

/// nullopt also for what is out of [0, most].
std::optional<std::int64_t> number(const Values& values, std::size_t at, std::int64_t most) {
    const auto* found = std::get_if<std::int64_t>(&values[at]);
    return found != nullptr && *found >= 0 && *found <= most ? std::optional(*found) : std::nullopt;
}

std::optional<RowHash> hash(const Values& values, std::size_t at) {
    RowHash made{};
    const auto* blob = std::get_if<Blob>(&values[at]);
    if (blob == nullptr || blob->bytes.size() != made.size()) {
        return std::nullopt;
    }
    std::transform(blob->bytes.begin(), blob->bytes.end(), made.begin(), [](char c) {
        return static_cast<std::uint8_t>(c);
    });
    return made;
}

/// UUID in lower case, as both ends write it.
bool is_uuid(std::string_view id) {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    bool good = id.size() == 36;
    for (std::size_t i = 0; good && i < id.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        good = dash ? id[i] == '-' : fits(id[i]);
    }
    return good;
}

/// id, journal_id, epoch, fingerprint, adopted_through, acked_through, acked_hash,
/// prunable_through, pruned_through, released_through, created_at.
bool take_identity(const Values& values, Found& found) {
    if (values.size() != 11 || text(values, 1) == nullptr || !is_uuid(*text(values, 1))) {
        return false;
    }
    const auto epoch = number(values, 2, max_epoch);
    const auto adopted = number(values, 4, max_seq);
    const auto acked = number(values, 5, max_seq);
    const auto acked_hash = hash(values, 6);
    if (!epoch || *epoch == 0 || !acked || !acked_hash) {
        return false;
    }
    journal::Identity identity;
    identity.journal_id = *text(values, 1);
    identity.epoch = *epoch;
    identity.adopted_through = adopted.value_or(0);
    identity.acked_through = *acked;
    identity.acked_hash = *acked_hash;
    identity.prunable_through = number(values, 7, max_seq).value_or(0);
    identity.pruned_through = number(values, 8, max_seq).value_or(0);
    identity.released_through = number(values, 9, INT64_MAX).value_or(0);
    // A page of the tree comes before one that nothing leads to, or they are the same.
    if (!found.identity) {
        found.identity = identity;
    }
    return true;
}

/// batch, epoch, first_seq, last_seq, hash.
bool take_hash(const Values& values, Found& found) {
    if (values.size() != 5) {
        return false;
    }
    const auto epoch = number(values, 1, max_epoch);
    const auto first = number(values, 2, max_seq);
    const auto last = number(values, 3, max_seq);
    const auto chain = hash(values, 4);
    if (!epoch || !first || !last || !chain || *last == 0) {
        return false;
    }
    found.hashes.push_back({*epoch, *first, {*last, *chain}});
    return true;
}

/// boot_id, first_seq, synchronized, steps.
bool take_boot(const Values& values, Found& found) {
    if (values.size() != 4 || text(values, 0) == nullptr || text(values, 3) == nullptr ||
        !is_uuid(*text(values, 0)) || !text(values, 3)->starts_with('[')) {
        return false;
    }
    const auto first = number(values, 1, max_seq);
    const auto synchronized = number(values, 2, 1);
    if (!first || !synchronized) {
        return false;
    }
    found.boots.push_back({*text(values, 0), *first, *synchronized, *text(values, 3)});
    return true;
}

/// id, revision, revises, direction, found, current_after, digest, applied_at, first_seq,
/// duration_ms, agent_version, downgrade_sql.
bool take_log(const Values& values, Found& found) {
    if (values.size() != 12 || !number(values, 8, max_seq) || !number(values, 9, INT64_MAX)) {
        return false;
    }
    for (const std::size_t at : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 10U, 11U}) {
        if (text(values, at) == nullptr) {
            return false;
        }
    }
    journal::LogEntry entry;
    entry.revision = *text(values, 1);
    entry.revises = *text(values, 2);
    entry.direction = *text(values, 3);
    entry.found = *text(values, 4);
    entry.current_after = *text(values, 5);
    entry.digest = *text(values, 6);
    entry.applied_at = *text(values, 7);
    entry.first_seq = *number(values, 8, max_seq);
    entry.duration_ms = *number(values, 9, INT64_MAX);
    entry.agent_version = *text(values, 10);
    entry.downgrade_sql = *text(values, 11);
    found.log.push_back(std::move(entry));
    return true;
}

/// seq (the rowid), kind, evidence, epoch.
bool take_note(std::int64_t rowid, const Values& values, Found& found) {
    if (values.size() != 4 || !std::holds_alternative<std::monostate>(values[0]) ||
        text(values, 1) == nullptr || text(values, 2) == nullptr || rowid <= 0) {
        return false;
    }
    const auto& kind = *text(values, 1);
    if (kind != "row" && kind != "report") {
        return false;
    }
    found.notes.emplace(rowid, FoundNote{kind == "report", *text(values, 2)});
    return true;
}

}  // namespace

void read_own(Pages& pages, Bytes page, PageNumber number, Found& found) {
    const std::vector<std::uint8_t> bytes(page.begin(), page.end());
    for (const auto& place : cells_of(bytes, number, PageKind::table_leaf)) {
        const auto cell = read_cell(pages, bytes, PageKind::table_leaf, place.at, Overflow::follow);
        const auto values =
            cell && place.counted ? decode_record(cell->payload) : std::optional<Values>();
        if (values) {
            [[maybe_unused]] const bool taken =
                take_identity(*values, found) || take_hash(*values, found) ||
                take_boot(*values, found) || take_log(*values, found) ||
                take_note(cell->rowid, *values, found);
        }
    }
}

}  // namespace tapline::salvage
