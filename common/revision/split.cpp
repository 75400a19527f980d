#include "common/revision/split.hpp"

#include <optional>

namespace tapline::revision {
namespace {

/// Feeds on the significant tokens of one statement and knows whether a semicolon ends it.
class Sqlite {
  public:
    void take(const Token& token) {
        if (count_ == 0) {
            create_ = is_word(token, "CREATE");
        } else if (create_ && !trigger_ && count_ <= 2) {
            trigger_ = is_word(token, "TRIGGER");
            create_ = trigger_ || is_word(token, "TEMP") || is_word(token, "TEMPORARY");
        }
        ++count_;
        end_after_semicolon_ = semicolon_ && is_word(token, "END");
        semicolon_ = token.kind == TokenKind::semicolon;
    }

    [[nodiscard]] bool complete() const { return !trigger_ || end_after_semicolon_; }

  private:
    int count_ = 0;
    bool create_ = false;
    bool trigger_ = false;
    bool semicolon_ = false;
    bool end_after_semicolon_ = false;
};

class Postgres {
  public:
    void take(const Token& token) {
        track_routine(token);
        if (token.kind == TokenKind::punctuation) {
            brackets_ += token.text == "(" ? 1 : 0;
            brackets_ -= token.text == ")" && brackets_ > 0 ? 1 : 0;
        }
        if (routine_ && brackets_ == 0) {
            track_body(token);
        }
        previous_begin_ = is_word(token, "BEGIN");
        ++count_;
    }

    [[nodiscard]] bool complete() const { return brackets_ == 0 && depth_ == 0; }

  private:
    /// CREATE [OR REPLACE] FUNCTION|PROCEDURE; nothing else has a body of bare SQL.
    void track_routine(const Token& token) {
        if (count_ == 0) {
            create_ = is_word(token, "CREATE");
        } else if (create_ && !routine_ && count_ <= 3) {
            routine_ = is_word(token, "FUNCTION") || is_word(token, "PROCEDURE");
            create_ = routine_ || is_word(token, "OR") || is_word(token, "REPLACE");
        }
    }

    void track_body(const Token& token) {
        if (depth_ == 0) {
            depth_ = previous_begin_ && is_word(token, "ATOMIC") ? 1 : 0;
        } else if (is_word(token, "CASE")) {
            ++depth_;
        } else if (is_word(token, "END")) {
            --depth_;
        }
    }

    int count_ = 0;
    int brackets_ = 0;
    int depth_ = 0;
    bool create_ = false;
    bool routine_ = false;
    bool previous_begin_ = false;
};

template <typename Machine>
std::vector<StatementRange> split_with(std::span<const Token> tokens) {
    std::vector<StatementRange> statements;
    std::optional<StatementRange> open;
    Machine machine;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token& token = tokens[i];
        if (token.is_trivia()) {
            continue;
        }
        const bool semicolon = token.kind == TokenKind::semicolon;
        if (semicolon && machine.complete()) {
            if (open) {
                statements.push_back(*open);
            }
            open.reset();
            machine = Machine();
            continue;
        }
        machine.take(token);
        if (!open) {
            open = StatementRange{i, i, true};
        }
        open->last = i;
    }
    if (open) {
        open->complete = machine.complete();
        statements.push_back(*open);
    }
    return statements;
}

}  // namespace

std::vector<StatementRange> split(std::span<const Token> tokens, Dialect dialect) {
    return dialect == Dialect::sqlite ? split_with<Sqlite>(tokens) : split_with<Postgres>(tokens);
}

}  // namespace tapline::revision
