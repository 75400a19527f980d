// Texts cut to a number of bytes, between characters.
#pragma once

#include <cstddef>
#include <string>

namespace tapline::lint {

/// At most bytes of text, without half a character at the end (pg_mbcliplen for UTF-8).
[[nodiscard]] inline std::string clip(const std::string& text, std::size_t bytes) {
    std::size_t end = bytes < text.size() ? bytes : text.size();
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U
    ) {
        --end;
    }
    return text.substr(0, end);
}

}  // namespace tapline::lint
