#include "agent/identity/token.hpp"

#include <algorithm>
#include <string_view>

#include "common/error.hpp"

namespace tapline::identity {

namespace {

constexpr std::string_view prefix = "TAP1-";
constexpr std::size_t hex_digits = 64;
constexpr std::size_t code_chars = 32;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(
        ErrorKind::usage,
        "bad_token",
        "this isn't a token: " + why,
        "paste the whole line that `tapline-central controllers enroll NAME` printed; it begins "
        "with TAP1-"
    );
}

}  // namespace

Token parse_token(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto last = text.find_last_not_of(" \t\r\n");
    std::string plain = first == std::string::npos ? "" : text.substr(first, last - first + 1);
    std::transform(plain.begin(), plain.end(), plain.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (!plain.starts_with(prefix)) {
        refuse("it doesn't begin with TAP1-");
    }
    if (plain.size() != prefix.size() + hex_digits + 1 + code_chars ||
        plain[prefix.size() + hex_digits] != '-') {
        refuse("it is too short, too long or torn");
    }
    const auto root = hash_from_hex(plain.substr(prefix.size(), hex_digits));
    Token token;
    token.code = plain.substr(prefix.size() + hex_digits + 1);
    const bool clean =
        token.code.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos;
    if (!root || !clean) {
        refuse("it holds characters that no token has");
    }
    token.root = *root;
    return token;
}

}  // namespace tapline::identity
