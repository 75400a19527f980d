#include "central/draft/comment.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapline::draft {

namespace {

constexpr std::size_t width = 96;

}  // namespace

std::string plain(std::string text) {
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    for (std::size_t at = text.find("tapline:"); at != std::string::npos;
         at = text.find("tapline:", at + 8)) {
        text.insert(at + 7, " ");
    }
    return text;
}

std::string wrapped(const std::string& text) {
    std::string lines;
    std::string line = "--";
    std::string_view left = text;
    while (!left.empty()) {
        const std::size_t end = std::min(left.find(' '), left.size());
        if (line.size() > 4 && line.size() + 1 + end > width) {
            lines += line + "\n";
            line = "--    ";
        }
        line += " " + std::string(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return lines + line + "\n";
}

std::string commented(const std::string& sql) {
    std::string text;
    std::string_view left = sql;
    while (!left.empty()) {
        const std::size_t end = std::min(left.find('\n'), left.size());
        std::string line(left.substr(0, end));
        std::replace(line.begin(), line.end(), '\r', ' ');
        text += "-- | " + line + "\n";
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return text;
}

std::string proposal(const Item& item) {
    return wrapped(plain(fmt::format("DECIDE: {}: {}", item.object, item.decide))) +
           commented(item.up);
}

}  // namespace tapline::draft
