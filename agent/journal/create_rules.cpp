#include "agent/journal/create_rules.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "common/revision/tokens.hpp"

namespace tapline::journal {

namespace {

using revision::is_word;
using revision::Token;
using revision::TokenKind;

std::vector<Token> tokens_of(std::string_view sql) {
    auto tokens = revision::tokenize(sql, revision::Dialect::sqlite);
    std::erase_if(tokens, [](const Token& token) { return token.is_trivia(); });
    return tokens;
}

std::string spell(const Token& token) {
    std::string text(token.text);
    if (token.kind == TokenKind::string || token.kind == TokenKind::number) {
        return text;
    }
    if (token.kind == TokenKind::quoted_identifier && text.size() >= 2) {
        text = text.substr(1, text.size() - 2);
    }
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

bool is_glue(std::string_view word) {
    return word == "(" || word == ")" || word == "," || word == "." || word == ";";
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        if (!text.empty() && !is_glue(word) && !is_glue(text.substr(text.size() - 1))) {
            text += ' ';
        }
        text += word;
    }
    return text;
}

/// The words up to the bracket that closes the one at `open`; literals of an IN list in order.
std::vector<std::string> bracket(const std::vector<Token>& tokens, std::size_t open) {
    std::vector<std::string> words;
    std::vector<std::size_t> list_starts;
    int depth = 0;
    for (std::size_t i = open; i < tokens.size(); ++i) {
        words.push_back(spell(tokens[i]));
        if (words.back() == "(") {
            ++depth;
            list_starts.push_back(words.size());
        } else if (words.back() == ")") {
            const auto start = list_starts.back();
            list_starts.pop_back();
            const bool is_list = start >= 2 && words[start - 2] == "in";
            const bool plain = std::none_of(
                words.begin() + static_cast<std::ptrdiff_t>(start),
                words.end() - 1,
                [](const std::string& word) { return word != "," && word.front() != '\''; }
            );
            if (is_list && plain) {
                std::vector<std::string> items;
                std::copy_if(
                    words.begin() + static_cast<std::ptrdiff_t>(start),
                    words.end() - 1,
                    std::back_inserter(items),
                    [](const std::string& word) { return word != ","; }
                );
                std::sort(items.begin(), items.end());
                for (std::size_t item = 0; item < items.size(); ++item) {
                    words[start + 2 * item] = items[item];
                }
            }
            if (--depth == 0) {
                break;
            }
        }
    }
    return words;
}

}  // namespace

std::set<std::string> rules_of_create(std::string_view create_sql) {
    std::set<std::string> rules;
    const auto tokens = tokens_of(create_sql);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        const auto& next = tokens[i + 1];
        if (is_word(tokens[i], "CHECK") && next.text == "(") {
            rules.insert("check " + join(bracket(tokens, i + 1)));
        } else if (is_word(tokens[i], "COLLATE") && spell(next) != "binary") {
            rules.insert("collate " + spell(next));
        } else if (is_word(tokens[i], "REFERENCES")) {
            rules.insert("references " + spell(next));
        } else if (is_word(tokens[i], "ON") && is_word(next, "CONFLICT") && i + 2 < tokens.size()) {
            rules.insert("on conflict " + spell(tokens[i + 2]));
        }
    }
    return rules;
}

std::string normal_sql(std::string_view sql) {
    std::vector<std::string> words;
    for (const auto& token : tokens_of(sql)) {
        words.push_back(spell(token));
    }
    return join(words);
}

}  // namespace tapline::journal
