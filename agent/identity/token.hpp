// The token that an operator prints and a technician pastes.
#pragma once

#include <string>

#include "common/row_hash.hpp"

namespace tapline::identity {

struct Token {
    RowHash root{};  ///< SHA-256 of the authority's certificate: whom to believe
    std::string code;
};

/// `TAP1-<64 hex digits>-<32 characters>`; space around it is ignored, case is not minded.
/// Error{usage, "bad_token"}, which never repeats what was given.
[[nodiscard]] Token parse_token(const std::string& text);

}  // namespace tapline::identity
