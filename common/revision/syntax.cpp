#include "common/revision/syntax.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/file.hpp"

namespace tapline::revision {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Needs no look: ASCII without NUL and CR, which is nearly all of nearly every file.
constexpr bool is_plain(char c) {
    return c > '\0' && c != '\r';
}

/// Bytes of the well-formed sequence at the start of text (Unicode, table 3-7); 0: ill-formed.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            if (byte(i) < 0x80U || byte(i) > 0xBFU) {
                return std::size_t{0};
            }
        }
        return to;
    };
    const unsigned lead = byte(0);
    const unsigned second = byte(1);
    if (lead < 0x80U) {
        return 1;
    }
    if (lead >= 0xC2U && lead <= 0xDFU) {
        return tail(1, 2);
    }
    if (lead >= 0xE0U && lead <= 0xEFU) {
        const bool overlong = lead == 0xE0U && second < 0xA0U;
        const bool surrogate = lead == 0xEDU && second > 0x9FU;
        return overlong || surrogate ? 0 : tail(1, 3);
    }
    if (lead >= 0xF0U && lead <= 0xF4U) {
        const bool overlong = lead == 0xF0U && second < 0x90U;
        const bool beyond = lead == 0xF4U && second > 0x8FU;
        return overlong || beyond ? 0 : tail(1, 4);
    }
    return 0;
}

}  // namespace

void syntax_error(
    const Source& source, int line, std::string_view expected, std::string_view found
) {
    throw Error(
        ErrorKind::usage,
        "revision_syntax",
        fmt::format("{}:{}: expected {}; {}", source.name, line, expected, found),
        "mend that line; docs/revision-file.md shows the format with an example"
    );
}

std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view space = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return lower(x) == lower(y);
    });
}

bool is_plain_name(std::string_view text) noexcept {
    const auto letter = [](char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; };
    const auto part = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), part);
}

std::string normalise(const Source& source, std::string_view bytes) {
    if (bytes.size() > max_file_bytes) {
        syntax_error(
            source,
            1,
            fmt::format("at most {} bytes", max_file_bytes),
            fmt::format("the file has {}", bytes.size())
        );
    }
    if (bytes.starts_with(byte_order_mark)) {
        bytes.remove_prefix(byte_order_mark.size());
    }
    std::string text;
    text.reserve(bytes.size());
    int line = 1;
    while (!bytes.empty()) {
        const auto plain = std::find_if_not(bytes.begin(), bytes.end(), is_plain) - bytes.begin();
        const std::string_view run = bytes.substr(0, static_cast<std::size_t>(plain));
        line += static_cast<int>(std::count(run.begin(), run.end(), '\n'));
        text.append(run);
        bytes.remove_prefix(run.size());
        if (bytes.empty()) {
            break;
        }
        if (bytes.starts_with("\r\n")) {
            bytes.remove_prefix(1);
        }
        const std::size_t length = utf8_length(bytes);
        if (length == 0) {
            syntax_error(source, line, "UTF-8", "the line has bytes that aren't");
        }
        if (bytes.front() == '\0' || bytes.front() == '\r') {
            // PostgreSQL ends a `--` comment at a lone CR, SQLite doesn't.
            const bool nul = bytes.front() == '\0';
            syntax_error(
                source, line, "text", nul ? "found a NUL byte" : "found a CR without its LF"
            );
        }
        line += bytes.front() == '\n' ? 1 : 0;
        text.append(bytes.substr(0, length));
        bytes.remove_prefix(length);
    }
    return text;
}

}  // namespace tapline::revision
