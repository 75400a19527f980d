#include "agent/journal/create_parts.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "agent/journal/create_rules.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::journal {

namespace {

using revision::is_word;
using revision::Token;
using Tokens = std::span<const Token>;

std::string text_of(Tokens tokens) {
    std::string text;
    for (const Token& token : tokens) {
        text.append(text.empty() ? "" : " ").append(token.text);
    }
    return text;
}

std::string normal(Tokens tokens) {
    return normal_sql(text_of(tokens));
}

/// From an opening bracket to the one that closes it, both included.
Tokens bracket(Tokens tokens, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < tokens.size(); ++i) {
        depth += tokens[i].text == "(" ? 1 : 0;
        depth -= tokens[i].text == ")" ? 1 : 0;
        if (depth == 0) {
            return tokens.subspan(open, i + 1 - open);
        }
    }
    return tokens.subspan(open);
}

/// Columns and table constraints, as the commas of the body part them.
std::vector<Tokens> pieces_of(Tokens tokens) {
    const auto open = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) {
        return token.text == "(";
    });
    std::vector<Tokens> pieces;
    if (open == tokens.end()) {
        return pieces;
    }
    const Tokens body = bracket(tokens, static_cast<std::size_t>(open - tokens.begin()));
    int depth = 0;
    std::size_t start = 1;
    for (std::size_t i = 1; i < body.size(); ++i) {
        const std::string_view text = body[i].text;
        const bool ends = depth == 0 && (text == "," || i + 1 == body.size());
        if (ends && i > start) {
            pieces.push_back(body.subspan(start, i - start));
        }
        start = ends ? i + 1 : start;
        depth += text == "(" ? 1 : 0;
        depth -= text == ")" ? 1 : 0;
    }
    return pieces;
}

bool is_table_constraint(Tokens piece) {
    constexpr std::string_view words[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    return std::any_of(std::begin(words), std::end(words), [&piece](std::string_view word) {
        return is_word(piece.front(), word);
    });
}

/// One column or table constraint, word by word outside its brackets.
class Piece {
  public:
    Piece(Tokens tokens, CreateParts& parts)
        : tokens_(tokens),
          parts_(parts),
          column_(is_table_constraint(tokens) ? "" : normal(tokens.first(1))) {}

    void read() {
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            read_word(i);
            if (tokens_[i].text == "(") {
                i += bracket(tokens_, i).size() - 1;
            }
        }
    }

  private:
    [[nodiscard]] bool is(std::size_t at, std::string_view word) const {
        return at < tokens_.size() && is_word(tokens_[at], word);
    }

    [[nodiscard]] bool opens(std::size_t at) const {
        return at < tokens_.size() && tokens_[at].text == "(";
    }

    void read_word(std::size_t at) {
        if (is(at, "CONSTRAINT") && at + 1 < tokens_.size()) {
            name_ = normal(tokens_.subspan(at + 1, 1));
        } else if (is(at, "CHECK") && opens(at + 1)) {
            add_check(bracket(tokens_, at + 1));
        } else if (is(at, "FOREIGN") && opens(at + 2)) {
            const Tokens list = bracket(tokens_, at + 2);
            foreign_ = list.size() > 2 ? normal(list.subspan(1, list.size() - 2)) : "";
        } else if (is(at, "INITIALLY") && is(at + 1, "DEFERRED")) {
            parts_.deferred.insert(column_.empty() ? foreign_ : column_);
        } else if (is(at, "ON") && is(at + 1, "CONFLICT") && at + 2 < tokens_.size()) {
            const std::string text = "on conflict " + normal(tokens_.subspan(at + 2, 1)) + " in " +
                                     (column_.empty() ? normal(tokens_) : column_);
            parts_.constraints.emplace(text, text);
        } else if (is(at, "AUTOINCREMENT")) {
            parts_.autoincrement = true;
        } else if (!column_.empty()) {
            read_column_word(at);
        }
    }

    void read_column_word(std::size_t at) {
        if (is(at, "COLLATE") && at + 1 < tokens_.size()) {
            const std::string collation = normal(tokens_.subspan(at + 1, 1));
            if (collation != "binary") {
                add_to_column("collate " + collation);
            }
        } else if (is(at, "AS") && opens(at + 1)) {
            add_to_column("as " + normal(bracket(tokens_, at + 1)));
        }
    }

    void add_check(Tokens condition) {
        const auto rules = rules_of_create("CHECK " + text_of(condition));
        const std::string text = rules.empty() ? normal(condition) : *rules.rbegin();
        parts_.constraints.emplace(name_.empty() ? text : name_, text);
        name_.clear();
    }

    void add_to_column(const std::string& text) {
        std::string& all = parts_.columns[column_];
        all += (all.empty() ? "" : " ") + text;
    }

    Tokens tokens_;
    CreateParts& parts_;
    std::string column_;   ///< empty: a table constraint
    std::string name_;     ///< of the constraint that comes next
    std::string foreign_;  ///< columns of a table's foreign key
};

}  // namespace

CreateParts parts_of_create(std::string_view create_sql) {
    auto tokens = revision::tokenize(create_sql, revision::Dialect::sqlite);
    std::erase_if(tokens, [](const Token& token) { return token.is_trivia(); });
    CreateParts parts;
    if (tokens.size() < 3 || !is_word(tokens[0], "CREATE") || !is_word(tokens[1], "TABLE")) {
        return parts;
    }
    for (const Tokens piece : pieces_of(tokens)) {
        Piece(piece, parts).read();
    }
    return parts;
}

}  // namespace tapline::journal
