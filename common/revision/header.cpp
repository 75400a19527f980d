#include "common/revision/header.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/revision/file.hpp"

namespace tapline::revision {
namespace {

constexpr std::array<std::string_view, 9> known_keys = {
    "Revision ID",
    "Revises",
    "Create Date",
    "Phase",
    "Requires Journal",
    "Requires Central",
    "Branch Labels",
    "Depends On",
    "Irreversible"};
constexpr std::size_t max_label_bytes = 64;
constexpr std::size_t max_list_items = 64;

struct Value {
    std::string_view text;
    int line = 0;
};

using Headers = std::map<std::string_view, Value>;

bool is_reserved(std::string_view word) {
    return word == "head" || word == "heads" || word == "base";
}

bool is_id_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool valid_label(std::string_view text) {
    return !text.empty() && text.size() <= max_label_bytes && !is_reserved(text) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_id_byte(c) || c == '.' || c == '-';
           });
}

/// Collects the `Key: value` lines. From `Revision ID` to the next blank line nothing else may
/// stand: a mistyped key there would silently lose, say, a contract's gate.
class Collector {
  public:
    explicit Collector(const Source& source) : source_(source) {}

    void take(const Token& comment) {
        const std::string_view text = trim(comment.text.substr(2));
        const std::size_t colon = std::min(text.find(':'), text.size());
        const std::string_view name = trim(text.substr(0, colon));
        const auto* const key =
            std::find_if(known_keys.begin(), known_keys.end(), [&](std::string_view each) {
                return colon < text.size() && equal_ignoring_case(each, name);
            });
        const bool inside = comment.line == block_end_ + 1;
        if (key == known_keys.end()) {
            take_prose(text, comment.line, inside);
            return;
        }
        if (!headers_.try_emplace(*key, Value{trim(text.substr(colon + 1)), comment.line}).second) {
            syntax_error(
                source_, comment.line, fmt::format("'{}' once", *key), "found it a second time"
            );
        }
        if (inside || *key == "Revision ID") {
            block_end_ = comment.line;
        }
    }

    [[nodiscard]] const Headers& headers() const { return headers_; }

    [[nodiscard]] std::string_view message() const { return message_; }

  private:
    void take_prose(std::string_view text, int line, bool inside) {
        if (inside && !text.empty()) {
            syntax_error(
                source_,
                line,
                fmt::format("one of the headers {}, or an empty line", fmt::join(known_keys, ", ")),
                fmt::format("found '{}'", text)
            );
        }
        if (message_.empty() && !headers_.contains("Revision ID")) {
            message_ = text;
        }
    }

    const Source& source_;
    Headers headers_;
    std::string_view message_;
    int block_end_ = -1;
};

/// Empty without the header; with it, the value may not be empty.
std::string_view value_of(const Source& source, const Headers& headers, std::string_view key) {
    const auto found = headers.find(key);
    if (found == headers.end()) {
        return {};
    }
    if (found->second.text.empty()) {
        syntax_error(
            source, found->second.line, fmt::format("a value after '{}:'", key), "found nothing"
        );
    }
    return found->second.text;
}

std::vector<std::string> list_of(
    const Source& source,
    const Headers& headers,
    std::string_view key,
    bool (*valid)(std::string_view),
    std::string_view what
) {
    std::vector<std::string> items;
    const auto found = headers.find(key);
    if (found == headers.end() || found->second.text.empty()) {
        return items;
    }
    std::string_view rest = found->second.text;
    bool more = true;
    while (more) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string item(trim(rest.substr(0, comma)));
        more = comma < rest.size();
        rest.remove_prefix(more ? comma + 1 : comma);
        const bool twice = std::find(items.begin(), items.end(), item) != items.end();
        if (!valid(item) || twice || items.size() == max_list_items) {
            syntax_error(
                source,
                found->second.line,
                fmt::format(
                    "'{}:' up to {} {}, each once, with commas between", key, max_list_items, what
                ),
                fmt::format("found '{}'", item)
            );
        }
        items.push_back(item);
    }
    return items;
}

bool valid_id(std::string_view text) {
    return is_revision_id(text);
}

std::string id_of(const Source& source, const Headers& headers, std::string_view key) {
    const std::string_view text = value_of(source, headers, key);
    if (headers.contains(key) && !is_revision_id(text)) {
        syntax_error(
            source,
            headers.at(key).line,
            fmt::format("'{}:' one id, 4 to 32 of 0-9 A-Z a-z _, not head, heads or base", key),
            fmt::format("found '{}'", text)
        );
    }
    return std::string(text);
}

Phase phase_of(const Source& source, const Headers& headers) {
    const std::string_view text = value_of(source, headers, "Phase");
    for (const Phase phase : {Phase::expand, Phase::migrate, Phase::contract}) {
        if (text == to_string(phase)) {
            return phase;
        }
    }
    if (headers.contains("Phase")) {
        syntax_error(
            source,
            headers.at("Phase").line,
            "'Phase:' expand, migrate or contract",
            fmt::format("found '{}'", text)
        );
    }
    return Phase::expand;
}

void check_requirements(const Source& source, const Headers& headers, Phase phase) {
    const bool sqlite = source.dialect == Dialect::sqlite;
    if (headers.contains("Requires Journal") && (sqlite || phase != Phase::contract)) {
        syntax_error(
            source,
            headers.at("Requires Journal").line,
            "'Requires Journal' in a PostgreSQL revision with 'Phase: contract'",
            sqlite ? "this is a SQLite revision" : "this one isn't contracting, nothing would wait"
        );
    }
    if (headers.contains("Requires Central") && !sqlite) {
        syntax_error(
            source,
            headers.at("Requires Central").line,
            "'Requires Central' in a SQLite revision",
            "this is a PostgreSQL revision"
        );
    }
}

Collector collect(const Source& source, std::span<const Token> preamble) {
    Collector collector(source);
    for (const Token& token : preamble) {
        if (token.kind == TokenKind::line_comment) {
            collector.take(token);
        } else if (!token.is_trivia()) {
            syntax_error(
                source,
                token.line,
                "'-- tapline: upgrade' before the first SQL",
                fmt::format("found '{}'", token.text)
            );
        }
    }
    return collector;
}

}  // namespace

bool is_revision_id(std::string_view text) noexcept {
    return text.size() >= 4 && text.size() <= 32 && !is_reserved(text) &&
           std::all_of(text.begin(), text.end(), is_id_byte);
}

bool is_branch_label(std::string_view text) noexcept {
    return valid_label(text);
}

Revision read_header(const Source& source, std::span<const Token> preamble, int end_line) {
    const Collector collector = collect(source, preamble);
    const Headers& headers = collector.headers();
    for (const std::string_view key : {"Revision ID", "Revises"}) {
        if (!headers.contains(key)) {
            syntax_error(
                source,
                end_line,
                fmt::format("'-- {}:' in the lines before this one", key),
                "it isn't there"
            );
        }
    }
    Revision revision;
    revision.message = collector.message();
    revision.line = headers.at("Revision ID").line;
    revision.id = id_of(source, headers, "Revision ID");
    if (revision.id.empty()) {
        syntax_error(source, revision.line, "an id after 'Revision ID:'", "found nothing");
    }
    revision.revises = list_of(source, headers, "Revises", valid_id, "whole ids");
    revision.depends_on =
        list_of(source, headers, "Depends On", valid_label, "whole ids or branch labels");
    revision.branch_labels =
        list_of(source, headers, "Branch Labels", valid_label, "labels of 0-9 A-Z a-z _ . -");
    revision.phase = phase_of(source, headers);
    revision.requires_journal = id_of(source, headers, "Requires Journal");
    revision.requires_central = id_of(source, headers, "Requires Central");
    check_requirements(source, headers, revision.phase);
    if (headers.contains("Create Date")) {
        revision.create_date = headers.at("Create Date").text;
    }
    if (headers.contains("Irreversible")) {
        revision.irreversible = value_of(source, headers, "Irreversible");
    }
    return revision;
}

}  // namespace tapline::revision
