#include "common/revision/directive.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/revision/file.hpp"

namespace tapline::revision {
namespace {

constexpr std::string_view prefix = "tapline:";
constexpr std::array<std::string_view, 5> verbs = {
    "upgrade", "downgrade", "batch", "rebuild", "allow"};

/// What stands after `tapline:`; nullopt: an ordinary comment.
std::optional<std::string_view> directive_text(std::string_view comment) {
    const std::string_view text = trim(comment.substr(2));
    if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) {
        return std::nullopt;
    }
    return trim(text.substr(prefix.size()));
}

bool alone_on_its_line(std::span<const Token> tokens, std::size_t index) {
    if (index == 0) {
        return true;
    }
    const Token& before = tokens[index - 1];
    return before.kind == TokenKind::whitespace &&
           (index == 1 || before.text.find('\n') != std::string_view::npos);
}

bool is_key_part(char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
}

/// Takes one `key=value` off the front of text; false: it has another shape.
bool take_argument(std::string_view& text, std::string& key, std::string& value) {
    const auto key_end = std::find_if_not(text.begin(), text.end(), is_key_part);
    key.assign(text.begin(), key_end);
    text.remove_prefix(key.size());
    if (key.empty() || !text.starts_with('=')) {
        return false;
    }
    text.remove_prefix(1);
    value.clear();
    if (!text.starts_with('"')) {
        value = text.substr(0, text.find_first_of(" \t"));
        text.remove_prefix(value.size());
        return !value.empty() && value.find('"') == std::string::npos;
    }
    text.remove_prefix(1);
    while (!text.empty()) {
        if (text.starts_with("\"\"")) {
            text.remove_prefix(1);
        } else if (text.front() == '"') {
            text.remove_prefix(1);
            return !value.empty() && (text.empty() || text.front() == ' ' || text.front() == '\t');
        }
        value.push_back(text.front());
        text.remove_prefix(1);
    }
    return false;
}

}  // namespace

std::vector<Directive> find_directives(const Source& source, std::span<const Token> tokens) {
    std::vector<Directive> directives;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].kind != TokenKind::line_comment) {
            continue;
        }
        const auto text = directive_text(tokens[i].text);
        if (!text) {
            continue;
        }
        const std::size_t verb_end = std::min(text->find_first_of(" \t"), text->size());
        const std::string_view verb = text->substr(0, verb_end);
        if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end()) {
            syntax_error(
                source,
                tokens[i].line,
                fmt::format("one of {} after 'tapline:'", fmt::join(verbs, ", ")),
                fmt::format("found '{}'", verb)
            );
        }
        if (verb != "allow" && !alone_on_its_line(tokens, i)) {
            syntax_error(
                source,
                tokens[i].line,
                fmt::format("'-- tapline: {}' on a line of its own", verb),
                "it stands behind something else"
            );
        }
        directives.push_back({verb, trim(text->substr(verb_end)), i, tokens[i].line});
    }
    return directives;
}

std::map<std::string, std::string, std::less<>> parse_arguments(
    const Source& source, const Directive& directive, std::span<const std::string_view> known
) {
    std::map<std::string, std::string, std::less<>> arguments;
    std::string_view rest = directive.arguments;
    while (!rest.empty()) {
        std::string key;
        std::string value;
        const std::string_view from = rest;
        if (!take_argument(rest, key, value)) {
            syntax_error(
                source,
                directive.line,
                "key=value or key=\"value\"",
                fmt::format("found '{}'", from)
            );
        }
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            syntax_error(
                source,
                directive.line,
                fmt::format("one of {} after '{}'", fmt::join(known, ", "), directive.verb),
                fmt::format("found '{}'", key)
            );
        }
        if (!arguments.emplace(key, value).second) {
            syntax_error(source, directive.line, fmt::format("'{}' once", key), "found it twice");
        }
        rest = trim(rest);
    }
    return arguments;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr std::int64_t limit_ms = std::int64_t{max_duration_hours} * 3'600'000;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0 || number > limit_ms) {
        return std::nullopt;
    }
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t unit_ms = 0;
    if (unit == "ms") {
        unit_ms = 1;
    } else if (unit == "s") {
        unit_ms = 1000;
    } else if (unit == "min") {
        unit_ms = 60'000;
    } else if (unit == "h") {
        unit_ms = 3'600'000;
    }
    if (unit_ms == 0 || number > limit_ms / unit_ms) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(number * unit_ms);
}

}  // namespace tapline::revision
