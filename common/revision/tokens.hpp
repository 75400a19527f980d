// SQL cut into tokens and statements, for digests and for running section by section. It knows the
// lexical rules of both databases and nothing of their grammar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/dialect.hpp"

namespace tapline::revision {

enum class TokenKind {
    whitespace,
    line_comment,       ///< without its line end
    block_comment,      ///< nested ones included (PostgreSQL)
    word,               ///< keyword or plain name
    quoted_identifier,  ///< "x", U&"x", and `x` and [x] on SQLite
    string,             ///< '…' with its prefix: E, B, X, N, U& (PostgreSQL), X (SQLite)
    dollar_string,      ///< $tag$…$tag$ (PostgreSQL)
    number,
    parameter,  ///< $1 (PostgreSQL); ?1, :x, @x, $x (SQLite)
    semicolon,
    punctuation,  ///< operator, bracket or anything else
};

/// A view into the SQL that was given to tokenize.
struct Token {
    TokenKind kind = TokenKind::whitespace;
    std::string_view text;
    std::size_t offset = 0;  ///< bytes from the start
    int line = 0;            ///< of its first byte, from 1
    bool terminated = true;  ///< false: a comment, string or name that runs to the end of the text

    [[nodiscard]] bool is_trivia() const noexcept {
        return kind == TokenKind::whitespace || kind == TokenKind::line_comment ||
               kind == TokenKind::block_comment;
    }
};

/// Never fails: the texts of the tokens, put together, are the input. sql must outlive the result.
[[nodiscard]] std::vector<Token> tokenize(std::string_view sql, Dialect dialect);

/// ASCII only, as SQL keywords are. word: upper case.
[[nodiscard]] bool is_word(const Token& token, std::string_view word) noexcept;

/// "a name in double quotes", for messages about an unterminated token.
[[nodiscard]] std::string_view describe(const Token& token) noexcept;

}  // namespace tapline::revision
