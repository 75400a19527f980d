#include "common/revision/section.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/placed.hpp"
#include "common/revision/rebuild.hpp"
#include "common/revision/split.hpp"

namespace tapline::revision {
namespace {

constexpr std::array<std::string_view, 3> section_keys = {
    "transaction", "lock_timeout", "statement_timeout"};
constexpr std::array<std::string_view, 5> batch_keys = {"table", "key", "rows", "pause", "until"};
constexpr std::array<std::string_view, 6> control_words = {
    "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"};

using Arguments = std::map<std::string, std::string, std::less<>>;

std::string_view text_between(const Token& first, const Token& last) {
    const char* const end = last.text.data() + last.text.size();
    return {first.text.data(), static_cast<std::size_t>(end - first.text.data())};
}

std::chrono::milliseconds required_duration(
    const Source& source, int line, const Arguments::value_type& argument, int at_least_ms
) {
    const auto duration = parse_duration(argument.second);
    if (!duration || duration->count() < at_least_ms) {
        syntax_error(
            source,
            line,
            fmt::format(
                "{}= a duration from {}ms to {}h, written 500ms, 2s, 5min or 1h",
                argument.first,
                at_least_ms,
                max_duration_hours
            ),
            fmt::format("found '{}'", argument.second)
        );
    }
    return *duration;
}

void read_options(const Source& source, const Directive& marker, Section& section) {
    const Arguments arguments = parse_arguments(source, marker, section_keys);
    for (const auto& argument : arguments) {
        if (argument.first == "lock_timeout") {
            section.lock_timeout = required_duration(source, marker.line, argument, 1);
        } else if (argument.first == "statement_timeout") {
            section.statement_timeout = required_duration(source, marker.line, argument, 1);
        } else if (argument.second == "on" || argument.second == "off") {
            section.transaction = argument.second == "on";
        } else {
            syntax_error(
                source,
                marker.line,
                "transaction=on or transaction=off",
                fmt::format("found '{}'", argument.second)
            );
        }
    }
}

const Token* next_significant(std::span<const Token> tokens, std::size_t index, std::size_t last) {
    for (std::size_t i = index + 1; i <= last; ++i) {
        if (!tokens[i].is_trivia()) {
            return &tokens[i];
        }
    }
    return nullptr;
}

bool controls_transaction(
    const Source& source, std::span<const Token> tokens, const StatementRange& range
) {
    const Token& first = tokens[range.first];
    const auto is_first = [&](std::string_view word) { return is_word(first, word); };
    if (std::any_of(control_words.begin(), control_words.end(), is_first)) {
        return true;
    }
    if (source.dialect == Dialect::sqlite) {
        return false;
    }
    const Token* const second = next_significant(tokens, range.first, range.last);
    const bool transaction = second != nullptr && is_word(*second, "TRANSACTION");
    return is_first("ABORT") || (transaction && (is_first("START") || is_first("PREPARE")));
}

void check_statement(
    const Source& source,
    std::span<const Token> tokens,
    const StatementRange& range,
    TransactionControl control
) {
    const Token& first = tokens[range.first];
    if (control == TransactionControl::refuse && controls_transaction(source, tokens, range)) {
        throw Error(
            ErrorKind::usage,
            "transaction_control",
            fmt::format(
                "{}:{}: {} inside a section; the runner opens and ends the transaction",
                source.name,
                first.line,
                first.text
            ),
            "take it out; a step that can't run in a transaction goes into a revision of its own "
            "with 'transaction=off' behind its section's marker"
        );
    }
    if (!range.complete) {
        syntax_error(
            source,
            first.line,
            source.dialect == Dialect::sqlite ? "the trigger's '; END'"
                                              : "the end of the statement's brackets or body",
            "the section ends before it"
        );
    }
    for (std::size_t i = range.first; i <= range.last; ++i) {
        if (tokens[i].kind == TokenKind::punctuation && tokens[i].text == "\\") {
            syntax_error(
                source, tokens[i].line, "SQL", "found a backslash; psql's commands don't work here"
            );
        }
    }
}

/// before: the token right before it, trivia too, so `: keys` isn't one.
bool is_keys(const Token& token, const Token& before) {
    if (token.kind == TokenKind::parameter) {
        return token.text == ":keys";
    }
    return token.kind == TokenKind::word && token.text == "keys" && before.text == ":";
}

void check_batch_statement(
    const Source& source,
    std::span<const Token> tokens,
    const StatementRange& range,
    const Directive& directive
) {
    const Token& first = tokens[range.first];
    bool keys = false;
    for (std::size_t i = range.first + 1; i <= range.last; ++i) {
        keys = keys || is_keys(tokens[i], tokens[i - 1]);
    }
    if (keys && (is_word(first, "UPDATE") || is_word(first, "INSERT"))) {
        return;
    }
    syntax_error(
        source,
        directive.line,
        "one UPDATE or INSERT over :keys after 'batch'",
        fmt::format("found {}{}", first.text, keys ? "" : " without :keys")
    );
}

/// name or schema.name
bool is_table_name(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) {
        return is_plain_name(text);
    }
    return is_plain_name(text.substr(0, dot)) && is_plain_name(text.substr(dot + 1));
}

int read_rows(const Source& source, int line, std::string_view text) {
    int rows = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, rows);
    if (error != std::errc{} || stop != end || rows < 1 || rows > max_batch_rows) {
        syntax_error(
            source,
            line,
            fmt::format("rows= a number from 1 to {}", max_batch_rows),
            fmt::format("found '{}'", text)
        );
    }
    return rows;
}

BatchStep read_batch(const Source& source, const Directive& directive) {
    const Arguments arguments = parse_arguments(source, directive, batch_keys);
    for (const std::string_view key : {"table", "key", "rows", "until"}) {
        if (!arguments.contains(key)) {
            syntax_error(
                source, directive.line, fmt::format("{}= in 'batch'", key), "it isn't there"
            );
        }
    }
    BatchStep step;
    step.line = directive.line;
    step.table = arguments.find("table")->second;
    step.key = arguments.find("key")->second;
    step.until = arguments.find("until")->second;
    step.rows = read_rows(source, directive.line, arguments.find("rows")->second);
    if (const auto pause = arguments.find("pause"); pause != arguments.end()) {
        step.pause = required_duration(source, directive.line, *pause, 0);
    }
    if (!is_table_name(step.table) || !is_plain_name(step.key)) {
        syntax_error(
            source,
            directive.line,
            "plain names: table=[schema.]name key=column",
            fmt::format("found table={} key={}", step.table, step.key)
        );
    }
    return step;
}

void place_batch(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const StatementRange> ranges,
    const Directive& directive,
    Section& section
) {
    const std::size_t statement = statement_after(source, tokens, ranges, directive);
    check_batch_statement(source, tokens, ranges[statement], directive);
    BatchStep step = read_batch(source, directive);
    step.statement = statement;
    if (!section.batches.empty() && section.batches.back().statement == step.statement) {
        syntax_error(source, directive.line, "one 'batch' for a statement", "found two");
    }
    section.batches.push_back(std::move(step));
}

Allowance read_allowance(const Source& source, const Directive& directive) {
    const std::size_t colon = std::min(directive.arguments.find(':'), directive.arguments.size());
    const std::string_view hazard = trim(directive.arguments.substr(0, colon));
    const std::string_view reason =
        colon < directive.arguments.size() ? trim(directive.arguments.substr(colon + 1)) : "";
    if (!is_plain_name(hazard) || reason.empty()) {
        syntax_error(
            source,
            directive.line,
            "'-- tapline: allow <hazard>: <reason>'",
            fmt::format("found '{}'", directive.arguments)
        );
    }
    return {std::string(hazard), std::string(reason), directive.line};
}

void read_body(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const Directive> directives,
    TransactionControl control,
    Section& section
) {
    const std::vector<StatementRange> ranges = split(tokens, source.dialect);
    if (ranges.size() > max_statements) {
        syntax_error(
            source,
            section.line,
            fmt::format("at most {} statements in a section", max_statements),
            fmt::format("found {}", ranges.size())
        );
    }
    for (const StatementRange& range : ranges) {
        check_statement(source, tokens, range, control);
        const Token& first = tokens[range.first];
        section.statements.push_back(
            {std::string(text_between(first, tokens[range.last])), first.line}
        );
    }
    for (const Directive& directive : directives) {
        if (directive.verb == "batch") {
            place_batch(source, tokens, ranges, directive, section);
        } else if (directive.verb == "rebuild") {
            section.rebuilds.push_back(read_rebuild(source, tokens, ranges, directive));
        } else if (directive.verb == "allow") {
            section.allowances.push_back(read_allowance(source, directive));
        }
    }
}

}  // namespace

void check_terminated(const Source& source, std::span<const Token> tokens) {
    for (const Token& token : tokens) {
        if (!token.terminated) {
            syntax_error(
                source,
                token.line,
                fmt::format("the end of {} that begins on this line", describe(token)),
                "the file ends before it"
            );
        }
    }
}

Section read_section(
    const Source& source, std::span<const Token> tokens, TransactionControl control
) {
    const std::vector<Directive> directives = find_directives(source, tokens);
    Section section;
    section.line = tokens.front().line;
    section.raw = text_between(tokens.front(), tokens.back());
    read_options(source, directives.front(), section);
    read_body(source, tokens, std::span(directives).subspan(1), control, section);
    return section;
}

Section read_plain(
    const Source& source, std::span<const Token> tokens, TransactionControl control
) {
    Section section;
    section.line = 1;
    if (!tokens.empty()) {
        section.raw = text_between(tokens.front(), tokens.back());
    }
    read_body(source, tokens, find_directives(source, tokens), control, section);
    return section;
}

}  // namespace tapline::revision
