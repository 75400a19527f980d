#include "agent/journal/writer_statements.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/journal/extras.hpp"
#include "common/log.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::journal {

namespace {

using revision::Token;
using revision::TokenKind;
using Tokens = std::vector<Token>;

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
    throw Error(
        ErrorKind::usage,
        "writer_sql",
        fmt::format("{}: {}", name, why),
        "Give the SQL of one INSERT, UPDATE or SELECT on pours, with ? for its values."
    );
}

bool is_name(const Token& token) {
    return token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier;
}

std::string name_of(const Token& token) {
    auto text = token.text;
    if (token.kind == TokenKind::quoted_identifier && text.size() >= 2) {
        text = text.substr(1, text.size() - 2);
    }
    return normal_name(text);
}

bool is(const Token& token, std::string_view punctuation) {
    return token.kind == TokenKind::punctuation && token.text == punctuation;
}

Tokens significant(std::string_view sql) {
    Tokens tokens = revision::tokenize(sql, revision::Dialect::sqlite);
    tokens.erase(
        std::remove_if(
            tokens.begin(), tokens.end(), [](const Token& token) { return token.is_trivia(); }
        ),
        tokens.end()
    );
    while (!tokens.empty() && tokens.back().kind == TokenKind::semicolon) {
        tokens.pop_back();
    }
    return tokens;
}

/// Place of the table's name, after INTO, UPDATE [OR x] or the first FROM.
std::size_t table_at(const Tokens& tokens) {
    std::size_t at = 0;
    const bool update = is_word(tokens.front(), "UPDATE");
    if (update) {
        at = tokens.size() > 1 && is_word(tokens[1], "OR") ? 3 : 1;
    } else {
        const auto* word = is_word(tokens.front(), "SELECT") ? "FROM" : "INTO";
        const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const Token& token) {
            return is_word(token, word);
        });
        at = static_cast<std::size_t>(found - tokens.begin()) + 1;
    }
    const bool with_schema = at + 2 < tokens.size() && is(tokens[at + 1], ".") &&
                             is_name(tokens[at]) && name_of(tokens[at]) == "main";
    return with_schema ? at + 2 : at;
}

/// Names in the brackets that begin at `at`; empty when there are none.
std::vector<std::string> list_at(const Tokens& tokens, std::size_t at) {
    std::vector<std::string> names;
    if (at >= tokens.size() || !is(tokens[at], "(")) {
        return names;
    }
    for (++at; at < tokens.size() && !is(tokens[at], ")"); ++at) {
        if (is_name(tokens[at])) {
            names.push_back(name_of(tokens[at]));
        }
    }
    return names;
}

/// "x = ?", "x >= ?": the name before it. In VALUES: the column at its place.
std::vector<std::string> columns_of_parameters(
    const Tokens& tokens, const std::vector<std::string>& list
) {
    std::vector<std::string> columns;
    std::size_t place = 0;
    bool in_values = false;
    int depth = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        in_values = in_values || is_word(tokens[i], "VALUES");
        depth += is(tokens[i], "(") ? 1 : is(tokens[i], ")") ? -1 : 0;
        place = is(tokens[i], "(") && depth == 1 ? 0 : place + (is(tokens[i], ",") ? 1 : 0);
        if (tokens[i].kind != TokenKind::parameter) {
            continue;
        }
        std::string column;
        // A text there is a "datatype mismatch", and the statement would pass for one that fails.
        if (i > 0 && (is_word(tokens[i - 1], "LIMIT") || is_word(tokens[i - 1], "OFFSET"))) {
            column = "limit";
        }
        if (in_values && place < list.size()) {
            column = list[place];
        }
        std::size_t before = i;
        while (!in_values && before > 0 && tokens[before - 1].kind == TokenKind::punctuation) {
            --before;
        }
        if (before != i && before > 0 && is_name(tokens[before - 1])) {
            column = name_of(tokens[before - 1]);
        }
        columns.push_back(column);
    }
    return columns;
}

}  // namespace

WriterStatement read_statement(const std::string& name, const std::string& sql) {
    if (sql.size() > max_writer_statement_bytes) {
        refuse(name, fmt::format("{} bytes; at most {}", sql.size(), max_writer_statement_bytes));
    }
    const auto tokens = significant(sql);
    const bool known = !tokens.empty() &&
                       (is_word(tokens.front(), "INSERT") || is_word(tokens.front(), "REPLACE") ||
                        is_word(tokens.front(), "UPDATE") || is_word(tokens.front(), "SELECT"));
    if (!known) {
        refuse(name, "it is no INSERT, UPDATE or SELECT");
    }
    const bool several = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
        return token.kind == TokenKind::semicolon;
    });
    if (several) {
        refuse(name, "it is more than one statement");
    }
    const auto at = table_at(tokens);
    if (at >= tokens.size() || !is_name(tokens[at]) || name_of(tokens[at]) != "pours") {
        refuse(name, "it isn't on the table pours");
    }
    const bool inserts = is_word(tokens.front(), "INSERT") || is_word(tokens.front(), "REPLACE");
    WriterStatement statement{name, sql, WriterStatement::Kind::select, false, false, {}};
    if (inserts) {
        statement.kind = WriterStatement::Kind::insert;
    } else if (is_word(tokens.front(), "UPDATE")) {
        statement.kind = WriterStatement::Kind::update;
    }
    std::size_t after = at + 1;
    if (inserts && after + 1 < tokens.size() && is_word(tokens[after], "AS")) {
        after += 2;
    }
    const bool defaults = after < tokens.size() && is_word(tokens[after], "DEFAULT");
    statement.positional =
        inserts && !defaults && !(after < tokens.size() && is(tokens[after], "("));
    statement.columns = columns_of_parameters(
        tokens, inserts ? list_at(tokens, after) : std::vector<std::string>{}
    );
    return statement;
}

std::vector<WriterStatement> read_statements(const std::vector<std::string>& texts) {
    if (texts.size() > max_writer_statements) {
        refuse(
            "the registered statements",
            fmt::format("{} of them; at most {}", texts.size(), max_writer_statements)
        );
    }
    std::vector<WriterStatement> statements;
    for (const auto& text : texts) {
        statements.push_back(
            read_statement(fmt::format("registered statement {}", statements.size() + 1), text)
        );
        statements.back().registered = true;
    }
    return statements;
}

std::vector<std::string> split_statements(std::string_view text) {
    std::vector<std::string> statements;
    std::string current;
    bool empty = true;
    const auto end = [&] {
        if (!empty) {
            statements.push_back(current);
        }
        current.clear();
        empty = true;
    };
    for (const auto& token : revision::tokenize(text, revision::Dialect::sqlite)) {
        if (token.kind == TokenKind::semicolon) {
            end();
            continue;
        }
        empty = empty && token.is_trivia();
        if (!empty) {
            current += token.text;
        }
    }
    end();
    return statements;
}

std::vector<Difference> positional_inserts(const std::vector<WriterStatement>& statements) {
    std::vector<Difference> findings;
    for (const auto& statement : statements) {
        if (statement.positional) {
            findings.push_back(
                {statement.name,
                 "changed",
                 "an INSERT that names its columns",
                 printable(statement.sql)}
            );
        }
    }
    return findings;
}

}  // namespace tapline::journal
