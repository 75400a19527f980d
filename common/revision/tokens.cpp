#include "common/revision/tokens.hpp"

#include <algorithm>

namespace tapline::revision {
namespace {

constexpr std::string_view postgres_operator_bytes = "~!@#^&|`?+-*/%<>=";
/// Without one of these bytes an operator can't end in + or - (PostgreSQL, "Lexical Structure"):
/// `a<-b` reads as `a < -b`, `a@-b` doesn't.
constexpr std::string_view postgres_operator_specials = "~!@#^&|`?%";
constexpr std::string_view sqlite_operators[] = {
    "->>", "->", "||", "<=", "<>", "<<", ">=", ">>", "==", "!="};

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Every byte beyond ASCII may be part of a name, in both databases.
constexpr bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80U;
}

constexpr bool is_name_part(char c) {
    return is_name_start(c) || is_digit(c) || c == '$';
}

constexpr bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

class Scanner {
  public:
    Scanner(std::string_view sql, Dialect dialect)
        : sql_(sql), postgres_(dialect == Dialect::postgres) {}

    std::vector<Token> run() {
        std::vector<Token> tokens;
        tokens.reserve(sql_.size() / 4);
        int line = 1;
        while (at_ < sql_.size()) {
            const std::size_t start = at_;
            terminated_ = true;
            const TokenKind kind = next();
            const auto text = sql_.substr(start, at_ - start);
            tokens.push_back({kind, text, start, line, terminated_});
            line += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
        }
        return tokens;
    }

  private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }

    [[nodiscard]] bool looking_at(std::string_view text) const {
        return sql_.substr(at_).starts_with(text);
    }

    template <typename Predicate>
    void skip_while(Predicate predicate) {
        while (at_ < sql_.size() && predicate(sql_[at_])) {
            ++at_;
        }
    }

    TokenKind next() {
        const char c = peek();
        if (is_space(c)) {
            skip_while(is_space);
            return TokenKind::whitespace;
        }
        if (looking_at("--")) {
            skip_while([](char each) { return each != '\n'; });
            return TokenKind::line_comment;
        }
        if (looking_at("/*")) {
            return block_comment();
        }
        if (c == ';') {
            ++at_;
            return TokenKind::semicolon;
        }
        if (c == '\'') {
            return quoted(0, '\'', TokenKind::string);
        }
        if (c == '"') {
            return quoted(0, '"', TokenKind::quoted_identifier);
        }
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
            return number();
        }
        if (is_name_start(c)) {
            return word_or_prefixed();
        }
        return postgres_ ? postgres_other(c) : sqlite_other(c);
    }

    TokenKind block_comment() {
        int depth = 0;
        while (at_ < sql_.size()) {
            if (looking_at("/*") && (postgres_ || depth == 0)) {
                ++depth;
                at_ += 2;
            } else if (looking_at("*/")) {
                at_ += 2;
                if (--depth == 0) {
                    return TokenKind::block_comment;
                }
            } else {
                ++at_;
            }
        }
        terminated_ = false;
        return TokenKind::block_comment;
    }

    /// A doubled quote stands for itself; a backslash escapes in E'' only.
    TokenKind quoted(std::size_t prefix, char quote, TokenKind kind, bool backslash = false) {
        at_ += prefix + 1;
        while (at_ < sql_.size()) {
            if (backslash && peek() == '\\') {
                at_ = std::min(at_ + 2, sql_.size());
            } else if (peek() != quote) {
                ++at_;
            } else if (peek(1) == quote) {
                at_ += 2;
            } else {
                ++at_;
                return kind;
            }
        }
        terminated_ = false;
        return kind;
    }

    TokenKind word_or_prefixed() {
        const char c = upper(peek());
        if (peek(1) == '\'') {
            if (c == 'X' || (postgres_ && (c == 'B' || c == 'N'))) {
                return quoted(1, '\'', TokenKind::string);
            }
            if (postgres_ && c == 'E') {
                return quoted(1, '\'', TokenKind::string, true);
            }
        }
        if (postgres_ && c == 'U' && peek(1) == '&') {
            if (peek(2) == '\'') {
                return quoted(2, '\'', TokenKind::string);
            }
            if (peek(2) == '"') {
                return quoted(2, '"', TokenKind::quoted_identifier);
            }
        }
        skip_while(is_name_part);
        return TokenKind::word;
    }

    /// Takes more than is valid (`1a`), which the database refuses by itself.
    TokenKind number() {
        while (at_ < sql_.size()) {
            const char c = peek();
            const char sign = peek(1);
            if (upper(c) == 'E' && (sign == '+' || sign == '-') && is_digit(peek(2))) {
                at_ += 2;
            } else if (is_name_part(c) || (c == '.' && peek(1) != '.')) {
                ++at_;
            } else {
                break;
            }
        }
        return TokenKind::number;
    }

    TokenKind postgres_other(char c) {
        if (c == '$') {
            return dollar();
        }
        if (c == ':' && (peek(1) == ':' || peek(1) == '=')) {
            at_ += 2;
            return TokenKind::punctuation;
        }
        if (postgres_operator_bytes.find(c) == std::string_view::npos) {
            ++at_;
            return TokenKind::punctuation;
        }
        const std::size_t start = at_;
        skip_operator();
        const auto body = sql_.substr(start, at_ - start);
        if (body.find_first_of(postgres_operator_specials) == std::string_view::npos) {
            while (at_ - start > 1 && (sql_[at_ - 1] == '+' || sql_[at_ - 1] == '-')) {
                --at_;
            }
        }
        return TokenKind::punctuation;
    }

    /// An operator ends where a comment begins.
    void skip_operator() {
        while (at_ < sql_.size() && !looking_at("--") && !looking_at("/*") &&
               postgres_operator_bytes.find(peek()) != std::string_view::npos) {
            ++at_;
        }
    }

    TokenKind dollar() {
        if (is_digit(peek(1))) {
            ++at_;
            skip_while(is_digit);
            return TokenKind::parameter;
        }
        std::size_t end = at_ + 1;
        while (end < sql_.size() && is_name_part(sql_[end]) && sql_[end] != '$') {
            ++end;
        }
        if (end >= sql_.size() || sql_[end] != '$') {
            ++at_;
            return TokenKind::punctuation;
        }
        const auto tag = sql_.substr(at_, end + 1 - at_);
        const std::size_t close = sql_.find(tag, end + 1);
        terminated_ = close != std::string_view::npos;
        at_ = terminated_ ? close + tag.size() : sql_.size();
        return TokenKind::dollar_string;
    }

    TokenKind sqlite_other(char c) {
        if (c == '`') {
            return quoted(0, '`', TokenKind::quoted_identifier);
        }
        if (c == '[') {
            const std::size_t close = sql_.find(']', at_);
            terminated_ = close != std::string_view::npos;
            at_ = terminated_ ? close + 1 : sql_.size();
            return TokenKind::quoted_identifier;
        }
        if (c == '?' || ((c == ':' || c == '@' || c == '$') && is_name_part(peek(1)))) {
            ++at_;
            skip_while(is_name_part);
            return TokenKind::parameter;
        }
        for (const std::string_view each : sqlite_operators) {
            if (looking_at(each)) {
                at_ += each.size();
                return TokenKind::punctuation;
            }
        }
        ++at_;
        return TokenKind::punctuation;
    }

    std::string_view sql_;
    bool postgres_;
    std::size_t at_ = 0;
    bool terminated_ = true;
};

}  // namespace

std::vector<Token> tokenize(std::string_view sql, Dialect dialect) {
    return Scanner(sql, dialect).run();
}

bool is_word(const Token& token, std::string_view word) noexcept {
    return token.kind == TokenKind::word && std::equal(
                                                token.text.begin(),
                                                token.text.end(),
                                                word.begin(),
                                                word.end(),
                                                [](char a, char b) { return upper(a) == b; }
                                            );
}

std::string_view describe(const Token& token) noexcept {
    switch (token.kind) {
        case TokenKind::whitespace:
            return "white space";
        case TokenKind::line_comment:
            return "a line comment";
        case TokenKind::block_comment:
            return "a /* comment */";
        case TokenKind::word:
            return "a word";
        case TokenKind::quoted_identifier:
            return "a quoted name";
        case TokenKind::string:
            return "a '…' string";
        case TokenKind::dollar_string:
            return "a $tag$ string";
        case TokenKind::number:
            return "a number";
        case TokenKind::parameter:
            return "a parameter";
        case TokenKind::semicolon:
            return "a semicolon";
        case TokenKind::punctuation:
            return "an operator";
    }
    return "a token";
}

}  // namespace tapline::revision
