#include "agent/salvage/scan.hpp"

#include <algorithm>
#include <utility>

#include "agent/journal/salvage_notes.hpp"
#include "agent/salvage/own_rows.hpp"
#include "agent/salvage/record.hpp"
#include "agent/salvage/trees.hpp"
#include "common/row_hash.hpp"

namespace tapline::salvage {

namespace {

constexpr std::size_t raw_kept = 256;
/// Bytes that the smallest pour takes on its page.
constexpr std::size_t least_row = 16;
/// seq goes no further (docs/wire.md).
constexpr Seq max_seq = Seq{1} << 53U;

std::uint64_t first_bytes(const RowHash& hash) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
        value = (value << 8U) | hash[i];
    }
    return value;
}

std::optional<std::vector<Value>> values_at(
    Pages& pages, Bytes page, PageKind kind, std::uint16_t at, Overflow overflow
) {
    const auto cell = read_cell(pages, page, kind, at, overflow);
    return cell ? decode_record(cell->payload) : std::nullopt;
}

class Scanner {
  public:
    Scanner(Pages& pages, const PourLayout& layout)
        : pages_(pages), layout_(layout), trees_(map_trees(pages)) {}

    Found run() {
        found_.pages = pages_.last_real();
        found_.most_rows = found_.pages * static_cast<std::int64_t>(pages_.page_size() / least_row);
        found_.lost_pages = trees_.lost_pages;
        found_.extras = trees_.extras;
        found_.findings = pages_.findings();
        for (PageNumber number = 1; number <= pages_.last(); ++number) {
            if (pages_.read(number, page_) &&
                std::any_of(page_.begin(), page_.end(), [](auto byte) { return byte != 0; })) {
                look(number);
            }
        }
        take_loose();
        for (auto& row : found_.rows) {
            row.noted = found_.notes.contains(row.seq);
            row.valid = row.valid && !row.noted;
        }
        return std::move(found_);
    }

  private:
    void look(PageNumber number);
    void take_loose();
    void read_table(PageNumber number, Origin origin);
    void read_index(PageNumber number, PageKind kind, bool counts);
    [[nodiscard]] FoundRow row_at(PageNumber number, CellPlace place, Origin origin);

    Pages& pages_;
    const PourLayout& layout_;
    Trees trees_;
    Found found_;
    Found loose_;  ///< tapline's own rows on pages that no tree leads to; maybe of long ago
    std::vector<std::uint8_t> page_;
};

void Scanner::take_loose() {
    if (!found_.identity) {
        found_.identity = loose_.identity;
    }
    if (found_.log.empty()) {
        found_.log = loose_.log;
    }
    found_.hashes.insert(found_.hashes.end(), loose_.hashes.begin(), loose_.hashes.end());
    found_.boots.insert(found_.boots.end(), loose_.boots.begin(), loose_.boots.end());
    found_.notes.insert(loose_.notes.begin(), loose_.notes.end());
}

void Scanner::look(PageNumber number) {
    const auto role = trees_.role(number);
    const auto kind = kind_of(page_, number);
    const bool leaf = kind == PageKind::table_leaf;
    const bool index = kind == PageKind::index_leaf || kind == PageKind::index_interior;
    const bool nobodys = role == Role::unknown || role == Role::freed;
    if (role == Role::pours && kind != PageKind::table_interior) {
        read_table(number, Origin::tree);
    } else if (nobodys && leaf) {
        read_table(number, role == Role::freed ? Origin::guessed : Origin::loose);
    } else if (role == Role::own && leaf) {
        read_own(pages_, page_, number, found_);
    } else if (role == Role::pours || (nobodys && !index)) {
        read_table(number, Origin::guessed);
    }
    if (index && (nobodys || role == Role::pours_index)) {
        read_index(number, kind, role != Role::freed);
    } else if (role == Role::pours_index || (nobodys && !leaf)) {
        read_index(number, PageKind::index_leaf, false);
    }
}

FoundRow Scanner::row_at(PageNumber number, CellPlace place, Origin origin) {
    FoundRow row;
    row.page = number;
    row.at = place.at;
    row.origin = place.counted ? origin : Origin::guessed;
    const auto cell = read_cell(
        pages_,
        page_,
        PageKind::table_leaf,
        place.at,
        row.origin == Origin::guessed ? Overflow::ignore : Overflow::follow
    );
    auto values = cell ? decode_record(cell->payload) : std::nullopt;
    row.seq = cell ? cell->rowid : 0;
    auto found = values ? to_pour(layout_, row.seq, std::move(*values)) : std::nullopt;
    if (!found) {
        return row;
    }
    row.decodes = row.seq > 0 && row.seq <= max_seq;
    row.valid = row.decodes && std::holds_alternative<CleanPour>(check_pour(found->pour));
    const auto* id = found->pour.find("client_tx_id");
    row.id_digest = id_digest(id == nullptr ? Value() : *id);
    row.value_digest = first_bytes(next_hash(RowHash{}, found->pour));
    return row;
}

void Scanner::read_table(PageNumber number, Origin origin) {
    std::vector<FoundRow> rows;
    bool any = origin == Origin::tree;
    for (const auto& place : cells_of(page_, number, PageKind::table_leaf)) {
        rows.push_back(row_at(number, place, origin));
        any = any || (rows.back().decodes && origin == Origin::loose);
    }
    const auto useless = [&](const FoundRow& row) {
        // A broken frame's page stands elsewhere too, maybe whole.
        const bool copy = number > pages_.last_real();
        return !row.decodes && (!any || copy || row.origin == Origin::guessed);
    };
    std::erase_if(rows, useless);
    found_.rows.insert(found_.rows.end(), rows.begin(), rows.end());
    if (!any && origin == Origin::loose) {
        read_own(pages_, page_, number, loose_);
    }
}

void Scanner::read_index(PageNumber number, PageKind kind, bool counts) {
    for (const auto& place : cells_of(page_, number, kind)) {
        const auto values =
            values_at(pages_, page_, kind, place.at, counts ? Overflow::follow : Overflow::ignore);
        const auto* seq =
            values && values->size() == 2 ? std::get_if<Seq>(&values->back()) : nullptr;
        if (seq == nullptr || *seq <= 0 || *seq > max_seq) {
            continue;
        }
        FoundId id{*seq, id_digest(values->front()), number, place.at, kind, false};
        id.counts = counts && place.counted;
        found_.ids.push_back(id);
    }
}

}  // namespace

std::uint64_t id_digest(const Value& id) {
    std::string bytes(1, static_cast<char>('0' + id.index()));
    if (const auto* text = std::get_if<Text>(&id)) {
        bytes += text->bytes;
    } else if (const auto* blob = std::get_if<Blob>(&id)) {
        bytes += blob->bytes;
    } else if (const auto* whole = std::get_if<std::int64_t>(&id)) {
        bytes += std::to_string(*whole);
    } else if (const auto* real = std::get_if<double>(&id)) {
        bytes += std::to_string(*real);
    }
    return first_bytes(sha256(bytes));
}

Found scan(Pages& pages, const PourLayout& layout) {
    return Scanner(pages, layout).run();
}

std::optional<FoundPour> read_row(
    Pages& pages, const PourLayout& layout, const Found& found, const FoundRow& row
) {
    std::vector<std::uint8_t> page;
    if (!pages.read(row.page, page)) {
        return std::nullopt;
    }
    auto values = values_at(pages, page, PageKind::table_leaf, row.at, Overflow::follow);
    auto pour = values ? to_pour(layout, row.seq, std::move(*values)) : std::nullopt;
    const auto note = found.notes.find(row.seq);
    if (pour && note != found.notes.end()) {
        journal::put_note(pour->pour, note->second.evidence);
    }
    return pour;
}

std::string read_id(Pages& pages, const FoundId& id) {
    std::vector<std::uint8_t> page;
    if (!pages.read(id.page, page)) {
        return {};
    }
    const auto values = values_at(pages, page, id.kind, id.at, Overflow::follow);
    const auto* text = values ? std::get_if<Text>(&values->front()) : nullptr;
    return text == nullptr ? std::string() : text->bytes;
}

std::string raw_bytes(Pages& pages, const FoundRow& row) {
    std::vector<std::uint8_t> page;
    if (!pages.read(row.page, page)) {
        return {};
    }
    const auto from = page.begin() + row.at;
    return {from, from + static_cast<std::ptrdiff_t>(std::min(raw_kept, page.size() - row.at))};
}

}  // namespace tapline::salvage
