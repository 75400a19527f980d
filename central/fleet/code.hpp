// The code of an enrolment and the token that a technician pastes. Pure.
//
//   TAP1-<SHA-256 of the root, 64 hex digits>-<code, 32 characters of Crockford's base 32>
//
// The first 8 characters of the code find its row, the other 24 (120 bits) are the secret; the
// database keeps the SHA-256 of all 32.
#pragma once

#include <string>

#include "common/row_hash.hpp"

namespace tapline::fleet {

inline constexpr std::size_t code_id_chars = 8;
inline constexpr std::size_t code_chars = 32;

[[nodiscard]] inline std::string code_id(const std::string& code) {
    return code.substr(0, code_id_chars);
}

[[nodiscard]] inline RowHash code_hash(const std::string& code) {
    return sha256(code);
}

[[nodiscard]] inline std::string token_of(const RowHash& root, const std::string& code) {
    return "TAP1-" + to_hex(root) + "-" + code;
}

}  // namespace tapline::fleet
