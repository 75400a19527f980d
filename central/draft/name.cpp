#include "central/draft/name.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "central/catalog/names.hpp"
#include "central/lint/node.hpp"

namespace tapline::draft {

namespace {

// The longer before what it begins with.
constexpr std::array<std::string_view, 29> kinds{
    "function of access method",
    "operator of access method",
    "operator class",
    "operator family",
    "materialized view",
    "foreign table",
    "foreign-data wrapper",
    "event trigger",
    "default privileges of",
    "user mapping for",
    "table",
    "index",
    "sequence",
    "view",
    "function",
    "procedure",
    "aggregate",
    "trigger",
    "rule",
    "policy",
    "type",
    "domain",
    "collation",
    "statistics",
    "publication",
    "extension",
    "schema",
    "server",
    "operator"};

/// Of objects that live in no schema.
constexpr std::array<std::string_view, 6> without_schema{
    "extension", "schema", "publication", "event trigger", "server", "foreign-data wrapper"};

std::string take_identifier(std::string_view& text) {
    std::string name;
    if (!text.starts_with('"')) {
        const std::size_t end = text.find_first_of(" .(");
        name = text.substr(0, end);
        text.remove_prefix(std::min(end, text.size()));
        return name;
    }
    text.remove_prefix(1);
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '"') {
            if (!text.starts_with('"')) {
                break;
            }
            text.remove_prefix(1);
        }
        name += c;
    }
    return name;
}

void take_qualified(std::string_view& text, Word& word) {
    word.schema = "public";
    word.name = take_identifier(text);
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        word.schema = std::move(word.name);
        word.name = take_identifier(text);
    }
}

bool take(std::string_view& text, std::string_view words) {
    if (!text.starts_with(words)) {
        return false;
    }
    text.remove_prefix(words.size());
    return true;
}

/// Unreserved key words are names everywhere; the grammar itself says which these are.
bool is_free_word(const std::string& word) {
    thread_local std::unordered_map<std::string, bool> known;  // schemas repeat their names a lot
    const auto found = known.find(word);
    if (found != known.end()) {
        return found->second;
    }
    const std::string sql = fmt::format(
        "CREATE TABLE {0} (); CREATE FUNCTION {0}() RETURNS int LANGUAGE sql AS ''", word
    );
    return known[word] = !lint::Tree::parse(sql).problem();
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return c == '\\' || (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t');
    });
}

}  // namespace

std::string Word::sql() const {
    return schema.empty() ? identifier(name) : identifier(schema) + "." + identifier(name);
}

std::string Word::whole() const {
    return kind + " " + catalog::qualified(schema, name);
}

Word read_word(std::string_view object) {
    Word word;
    for (const std::string_view kind : kinds) {
        if (object.size() > kind.size() && object.starts_with(kind) && object[kind.size()] == ' ') {
            word.kind = kind;
            break;
        }
    }
    if (word.kind.empty()) {
        const std::size_t space = std::min(object.find(' '), object.size());
        word.kind = object.substr(0, space);
        word.rest = object.substr(std::min(space + 1, object.size()));
        return word;
    }
    std::string_view text = object.substr(word.kind.size() + 1);
    word.rest = text;
    if (word.kind == "trigger" || word.kind == "rule" || word.kind == "policy") {
        word.part_kind = std::move(word.kind);
        word.kind.clear();
        word.part = take_identifier(text);
        take(text, " on ");
        take_qualified(text, word);
        return word;
    }
    if (std::find(without_schema.begin(), without_schema.end(), word.kind) !=
        without_schema.end()) {
        word.name = take_identifier(text);
        return word;
    }
    take_qualified(text, word);
    for (const char* part : {"column", "constraint"}) {
        if (take(text, fmt::format(" {} ", part))) {
            word.part_kind = part;
            word.part = take_identifier(text);
        }
    }
    if (text.starts_with('(') && text.ends_with(')')) {
        word.arguments = text.substr(1, text.size() - 2);
    }
    return word;
}

std::string identifier(std::string_view name) {
    const std::string plain = catalog::quoted(name);
    if (plain == name && is_free_word(plain)) {
        return plain;
    }
    return plain == name ? "\"" + plain + "\"" : plain;
}

std::string literal(std::string_view text) {
    const bool escaped = has_control(text);
    std::string quoted = escaped ? "E'" : "'";
    for (const char c : text) {
        if (escaped && (c == '\\' || (static_cast<unsigned char>(c) < 0x20 && c != '\n'))) {
            quoted += c == '\\' ? std::string("\\\\")
                                : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            continue;
        }
        quoted += c;
        if (c == '\'') {
            quoted += c;
        }
    }
    return quoted + "'";
}

std::string body_literal(std::string_view text) {
    if (text.find('\r') != std::string_view::npos) {
        return literal(text);
    }
    // The first closing tag must be the one that we write.
    std::string tag = "$$";
    for (int i = 1; (std::string(text) + tag).find(tag) != text.size(); ++i) {
        tag = i == 1 ? std::string("$body$") : fmt::format("$body{}$", i);
    }
    return tag + std::string(text) + tag;
}

}  // namespace tapline::draft
