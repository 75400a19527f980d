// Which of the found rows are whole, and where the journal that is made of them begins to send
// again. Pure but for reading a row's content through the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/salvage/found.hpp"
#include "common/wire.hpp"

namespace tapline::salvage {

/// A row that goes into the new journal as it is.
struct WholeRow {
    std::size_t row = 0;  ///< in Found::rows
    bool proven = false;  ///< by the chain of row hashes; else by validator and index
};

enum class Doubt {
    undecodable,  ///< a cell, but no pour
    invalid,      ///< the validator refuses it
    unindexed,    ///< no entry of the index names this id with this seq
    second,       ///< another row has this seq, with other content
    id_only,      ///< an entry of the index without a row
};

[[nodiscard]] std::string_view name_of(Doubt doubt) noexcept;

/// Something that central's operator has to look at.
struct DoubtfulRow {
    Doubt doubt = Doubt::undecodable;
    std::optional<std::size_t> row;  ///< in Found::rows
    std::optional<std::size_t> id;   ///< in Found::ids: the index's word on its seq
    Seq place = 0;                   ///< its seq in the new journal; 0: behind all others
};

struct Verdict {
    std::vector<WholeRow> whole;  ///< ascending by seq, once each
    std::vector<DoubtfulRow> doubtful;
    std::vector<FoundHash> chain;  ///< stored points up to `settled`, ascending
    wire::ChainPoint settled;      ///< up to here the chain proves what central got
    Seq top = 0;                   ///< no number up to here is given again
    std::int64_t proven = 0;
    std::int64_t noted = 0;    ///< of `whole`, what an earlier salvage left in doubt: as it is
    std::int64_t to_send = 0;  ///< whole rows behind `settled`, without the noted ones
    std::int64_t missing = 0;  ///< seqs behind `settled` without any trace
    std::map<std::string, std::int64_t> doubts;
};

/// The row's content for the chain; nullopt when it can't be read any more.
using ReadPour = std::function<std::optional<RawPour>(const FoundRow&)>;

/// Sorts found.rows and found.ids by seq first.
[[nodiscard]] Verdict judge(Found& found, const ReadPour& read);

}  // namespace tapline::salvage
