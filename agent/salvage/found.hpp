// Everything that could be read from a damaged journal, and where it stood.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/journal.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/salvage/btree.hpp"

namespace tapline::salvage {

/// How sure it is that a cell is a row of `pours` at all.
enum class Origin : std::uint8_t {
    tree,     ///< on a page that the table's own tree leads to
    loose,    ///< on a leaf that no tree leads to any more, and shaped as a pour
    guessed,  ///< on a freed page, past a page's own count, or on a page whose kind is wrong
};

struct FoundRow {
    Seq seq = 0;  ///< as its cell says
    PageNumber page = 0;
    std::uint16_t at = 0;
    Origin origin = Origin::tree;
    bool decodes = false;
    bool valid = false;              ///< passes the validator (common/pour.hpp)
    bool noted = false;              ///< an earlier salvage left it in doubt: never valid
    std::uint64_t id_digest = 0;     ///< of client_tx_id
    std::uint64_t value_digest = 0;  ///< of everything that the row hash covers
};

/// An entry of an index: some pour's client_tx_id belongs to that seq.
struct FoundId {
    Seq seq = 0;
    std::uint64_t digest = 0;
    PageNumber page = 0;
    std::uint16_t at = 0;
    PageKind kind = PageKind::index_leaf;
    bool counts = true;  ///< false: stood where a guessed row may stand
};

struct FoundHash {
    std::int64_t epoch = 0;
    Seq first_seq = 0;
    wire::ChainPoint point;
};

struct FoundBoot {
    std::string boot_id;
    std::int64_t first_seq = 0;
    std::int64_t synchronized = 0;
    std::string steps;
};

/// Of an earlier salvage (journal/salvage_notes.hpp).
struct FoundNote {
    bool report = false;
    std::string evidence;
};

struct Found {
    std::vector<FoundRow> rows;
    std::vector<FoundId> ids;
    std::optional<journal::Identity> identity;  ///< without its revision
    std::vector<FoundHash> hashes;
    std::vector<FoundBoot> boots;
    std::vector<journal::LogEntry> log;
    std::map<Seq, FoundNote> notes;
    std::vector<std::string> extras;  ///< "table cleaning": neither the tap's nor ours
    std::int64_t pages = 0;
    /// More pours than the file could hold: a number further than this beyond all others is damage.
    std::int64_t most_rows = 0;
    std::int64_t lost_pages = 0;  ///< a tree leads to them, and they are no part of one
    std::vector<std::string> findings;
};

/// Of a client_tx_id, NULL too.
[[nodiscard]] std::uint64_t id_digest(const Value& id);

}  // namespace tapline::salvage
