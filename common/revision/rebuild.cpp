#include "common/revision/rebuild.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/revision/placed.hpp"

namespace tapline::revision {
namespace {

constexpr std::array<std::string_view, 2> rebuild_keys = {"table", "drop"};

std::string_view unquoted(const Token& token) {
    const bool quoted = token.kind == TokenKind::quoted_identifier && token.text.size() > 2;
    return quoted ? token.text.substr(1, token.text.size() - 2) : token.text;
}

std::vector<std::string> read_drops(
    const Source& source, const Directive& directive, std::string_view list
) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view name = trim(list.substr(0, comma));
        if (!is_plain_name(name)) {
            syntax_error(
                source, directive.line, "drop=\"column, column\"", fmt::format("found '{}'", name)
            );
        }
        names.emplace_back(name);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return names;
}

/// The tokens that count, from the start of a statement.
std::vector<const Token*> significant(std::span<const Token> tokens, const StatementRange& range) {
    std::vector<const Token*> found;
    for (std::size_t i = range.first; i <= range.last; ++i) {
        if (!tokens[i].is_trivia()) {
            found.push_back(&tokens[i]);
        }
    }
    return found;
}

}  // namespace

Rebuild read_rebuild(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const StatementRange> ranges,
    const Directive& directive
) {
    if (source.dialect != Dialect::sqlite) {
        syntax_error(
            source,
            directive.line,
            "'rebuild' in a revision of SQLite only",
            "PostgreSQL's ALTER TABLE does it without"
        );
    }
    const auto arguments = parse_arguments(source, directive, rebuild_keys);
    const auto table = arguments.find("table");
    if (table == arguments.end() || !is_plain_name(table->second)) {
        syntax_error(source, directive.line, "table=name in 'rebuild'", "it isn't there");
    }
    Rebuild rebuild;
    rebuild.line = directive.line;
    rebuild.table = table->second;
    if (const auto drop = arguments.find("drop"); drop != arguments.end()) {
        rebuild.drops = read_drops(source, directive, drop->second);
    }
    rebuild.statement = statement_after(source, tokens, ranges, directive);
    const StatementRange& range = ranges[rebuild.statement];
    const auto words = significant(tokens, range);
    const bool fits =
        words.size() > 3 && is_word(*words[0], "CREATE") && is_word(*words[1], "TABLE") &&
        equal_ignoring_case(unquoted(*words[2]), rebuild.table) && words[3]->text == "(";
    if (!fits) {
        syntax_error(
            source,
            directive.line,
            fmt::format("'CREATE TABLE {} (' after 'rebuild'", rebuild.table),
            fmt::format("found something else in line {}", tokens[range.first].line)
        );
    }
    // The statement's text begins with its first token.
    rebuild.name_at = words[2]->offset - words[0]->offset;
    rebuild.name_bytes = words[2]->text.size();
    return rebuild;
}

}  // namespace tapline::revision
