#include "agent/cli/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>

#include "common/error.hpp"
#include "common/secret_file.hpp"

namespace tapline::cli {

namespace {

constexpr std::string_view mask = "[secret]";
constexpr std::size_t least_line_bytes = 16;  ///< of a key; shorter ones are padding
/// Also as a part of a longer name, but for those of `whole_names`.
constexpr std::array<std::string_view, 17> names{
    "pass",
    "pw",
    "code",
    "access_key",
    "private_key",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "psk",
    "authorization",
    "cookie",
    "pwd"};
constexpr std::array<std::string_view, 3> whole_names{"pass", "pw", "code"};
/// A code of an enrolment (docs/wire.md) is one; that of an error or an exit is none.
constexpr std::string_view only_random = "code";
constexpr std::size_t token_root_chars = 64;
/// What stands behind a name and a blank is a word of prose, unless it looks like this.
constexpr std::size_t least_secret_chars = 12;

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

void replace_all(std::string& text, const std::string& what) {
    for (auto at = text.find(what); at != std::string::npos;
         at = text.find(what, at + mask.size())) {
        text.replace(at, what.size(), mask);
    }
}

bool is_key_line(std::string_view line) {
    return !line.empty() && std::all_of(line.begin(), line.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '=';
    });
}

/// The last lines of a key whose beginning was cut off. Returns what is behind its end.
std::size_t hide_rest_of_key(std::string& text) {
    const auto end = text.find("-----END");
    const bool of_a_key = end != std::string::npos && text.find("-----BEGIN") > end &&
                          text.substr(end, text.find('\n', end) - end).ends_with("KEY-----");
    if (!of_a_key) {
        return 0;
    }
    auto begin = end;
    while (begin > 0) {
        const auto before = text.rfind('\n', begin >= 2 ? begin - 2 : 0);
        const auto line = before == std::string::npos || begin < 2 ? 0 : before + 1;
        if (!is_key_line(std::string_view(text).substr(line, begin - line - 1))) {
            break;
        }
        begin = line;
    }
    text.replace(begin, end - begin, begin == end ? "" : std::string(mask) + "\n");
    return std::min(text.find("KEY-----", begin) + 8, text.size());
}

void hide_keys(std::string& text) {
    constexpr std::string_view marker = "PRIVATE KEY-----";
    std::size_t at = hide_rest_of_key(text);
    while ((at = text.find(marker, at)) != std::string::npos) {
        const auto begin = at + marker.size();
        const auto end = std::min(text.find("-----END", begin), text.size());
        text.replace(begin, end - begin, mask);
        at = begin + mask.size();
        // Past the marker of its own end.
        const auto own_end = text.find(marker, at);
        at = own_end == std::string::npos ? text.size() : own_end + marker.size();
    }
}

/// TAP1-<SHA-256 of the root>-<code>
void hide_codes(std::string& text) {
    std::size_t at = 0;
    while ((at = text.find("TAP1-", at)) != std::string::npos) {
        const auto begin = std::min(at + 5 + token_root_chars + 1, text.size());
        auto end = begin;
        while (end < text.size() && is_word(text[end])) {
            ++end;
        }
        text.replace(begin, end - begin, mask);
        at = begin;
    }
}

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Where the part before the first '/' can't be host and port, the password has a '/' in it.
bool has_password(std::string_view authority) {
    const auto colon = authority.rfind(':');
    const auto port = colon == std::string_view::npos ? "" : authority.substr(colon + 1);
    return !std::all_of(port.begin(), port.end(), is_digit) &&
           authority.find(']') ==
               std::string_view::npos;  // an address of IPv6 has colons of its own
}

/// scheme://user:password@host
void hide_users(std::string& text) {
    std::size_t at = 0;
    while ((at = text.find("://", at)) != std::string::npos) {
        at += 3;
        auto end = std::min(text.find_first_of("/?# \t\r\n\"'<>", at), text.size());
        if (has_password(std::string_view(text).substr(at, end - at))) {
            end = std::min(text.find_first_of(" \t\r\n\"'<>", at), text.size());
        }
        const auto sign = text.substr(at, end - at).rfind('@');
        if (sign != std::string::npos) {
            text.replace(at, sign, mask);
            at += mask.size();
        }
    }
}

bool is_header(std::string_view name) {
    return name == "authorization" || name == "cookie";
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::size_t skip(const std::string& text, std::size_t at, std::string_view which) {
    return std::min(text.find_first_not_of(which, at), text.size());
}

/// Where the bracket that opens at `at` closes again, at most at the end of the line.
std::size_t end_of_brackets(const std::string& text, std::size_t at) {
    const auto line = std::min(text.find('\n', at), text.size());
    int depth = 0;
    for (; at < line; ++at) {
        const char c = text[at];
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        if (depth == 0) {
            return at + 1;
        }
    }
    return line;
}

Span value_at(const std::string& text, std::size_t at, bool header) {
    at = skip(text, at, ">\\ ");
    if (at < text.size() && (text[at] == '{' || text[at] == '[')) {
        return {at, end_of_brackets(text, at)};
    }
    const bool quoted = at < text.size() && (text[at] == '"' || text[at] == '\'');
    std::string quote = header ? "\r\n\"'" : " \t\r\n\"',;&}";
    if (quoted) {
        quote = std::string(1, text[at]) + "\n";
    }
    const auto begin = at + (quoted ? 1 : 0);
    auto end = std::min(text.find_first_of(quote, begin), text.size());
    if (end > begin && end < text.size() && text[end] == '"' && text[end - 1] == '\\') {
        --end;  // JSON inside JSON: the backslash belongs to the quote
    }
    return {begin, end};
}

/// RFC 3986, 2.1: %3D and %26 are '=' and '&'.
std::optional<Span> encoded_value(const std::string& text, std::size_t at) {
    if (lower(text.substr(at, 3)) != "%3d") {
        return std::nullopt;
    }
    const auto begin = at + 3;
    const auto end = std::min(text.find_first_of(" \t\r\n\"'&", begin), text.size());
    return Span{begin, std::min(end, text.find("%26", begin))};
}

bool looks_random(std::string_view word) {
    const auto letter = [](char c) { return is_word(c) && !is_digit(c); };
    return word.size() >= least_secret_chars && std::any_of(word.begin(), word.end(), is_digit) &&
           std::any_of(word.begin(), word.end(), letter);
}

/// `--password X`, `token X`.
Span word_behind(const std::string& text, std::size_t name, std::size_t at) {
    const auto value = value_at(text, at, false);
    const auto start = std::min(text.find_last_of(" \t\r\n\"'", name) + 1, name);
    const bool option = text[start] == '-';
    const auto word = std::string_view(text).substr(value.begin, value.end - value.begin);
    return option || looks_random(word) ? value : Span{};
}

/// The value of the name in `name`: `=x`, `: "x y"`, `\": \"x\"`; empty: it has none. That of a
/// header (RFC 9110) is the rest of its line.
Span value_after(const std::string& text, Span name, bool header) {
    auto at = name.end;
    while (at < text.size() && is_word(text[at])) {
        ++at;
    }
    if (const auto encoded = encoded_value(text, at)) {
        return *encoded;
    }
    const bool blank = at < text.size() && text[at] == ' ';
    const auto behind_name = at;
    at = skip(text, at, "\\\"' ");
    if (at < text.size() && (text[at] == '=' || text[at] == ':')) {
        return value_at(text, at + 1, header);
    }
    return blank ? word_behind(text, name.begin, behind_name) : Span{};
}

bool is_part(std::string_view name, const std::string& text, std::size_t at) {
    const bool whole = std::find(whole_names.begin(), whole_names.end(), name) != whole_names.end();
    const auto end = at + name.size();
    return whole && ((at > 0 && is_word(text[at - 1]) && text[at - 1] != '_') ||
                     (end < text.size() && is_word(text[end])));
}

void hide_named(std::string& text) {
    for (const auto name : names) {
        auto lowered = lower(text);
        std::size_t at = 0;
        while ((at = lowered.find(name, at)) != std::string::npos) {
            const Span found{at, at + name.size()};
            const auto value =
                is_part(name, text, at) ? Span{} : value_after(text, found, is_header(name));
            at = found.end;
            const bool plain =
                name == only_random &&
                !looks_random(std::string_view(text).substr(value.begin, value.end - value.begin));
            if (value.end > value.begin && !plain) {
                text.replace(value.begin, value.end - value.begin, mask);
                lowered.replace(value.begin, value.end - value.begin, mask);
                at = value.begin + mask.size();
            }
        }
    }
}

}  // namespace

Redactor::Redactor(const std::filesystem::path& state_dir) {
    for (const auto* file : {"identity.pem", "enrolling.key"}) {
        std::string text;
        try {
            text = read_small_file(state_dir / file).value_or("");
        } catch (const Error&) {  // who can't read a key can't give it away either
            continue;
        }
        const auto begin = text.find("PRIVATE KEY-----\n");
        const auto end = text.find("-----END", std::min(begin, text.size()));
        if (begin == std::string::npos || end == std::string::npos) {
            continue;
        }
        std::istringstream lines(text.substr(begin, end - begin));
        for (std::string line; std::getline(lines, line);) {
            if (line.size() >= least_line_bytes && line.find('-') == std::string::npos) {
                lines_.push_back(line);
            }
        }
    }
}

std::string Redactor::clean(std::string text) const {
    for (const auto& line : lines_) {
        replace_all(text, line);
    }
    hide_keys(text);
    hide_codes(text);
    hide_users(text);
    hide_named(text);
    return text;
}

}  // namespace tapline::cli
