// What central's operator is told of a row that isn't whole, and of a salvage. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/salvage/found.hpp"
#include "agent/salvage/judge.hpp"

namespace tapline::salvage {

struct Evidence {
    Doubt doubt = Doubt::undecodable;
    PageNumber page = 0;   ///< 0: there is no cell
    Seq seq = 0;           ///< as its cell says
    std::string index_id;  ///< the id that the index has for its seq
    Seq index_seq = 0;
    std::string raw;     ///< of a cell that can't be decoded
    std::string own_id;  ///< its id, where another row has it already
    std::string before;  ///< the note of an earlier salvage
};

/// JSON in ASCII, the reason in words first.
[[nodiscard]] std::string encode(const Evidence& evidence);

}  // namespace tapline::salvage
