// Object words of findings (central/catalog/names.hpp) read back, and names written as SQL. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tapline::draft {

/// "table store.keg column x" is {"table", "store", "keg", "column", "x", ""}. A trigger, rule or
/// policy is a part of its table: {"", "public", "pours", "trigger", "t", ""}.
struct Word {
    std::string kind;       ///< "materialized view"; the first word for what isn't known here
    std::string schema;     ///< `public` where the word leaves it out; empty for what has none
    std::string name;       ///< not quoted
    std::string part_kind;  ///< column, constraint, trigger, rule, policy
    std::string part;
    std::string arguments;  ///< of a routine: "integer, text"
    std::string rest;       ///< what follows the kind, as it stands there

    /// public.pours
    [[nodiscard]] std::string sql() const;
    /// "table pours": the object that a part belongs to, where the word has its kind.
    [[nodiscard]] std::string whole() const;
};

[[nodiscard]] Word read_word(std::string_view object);

/// Quoted where PostgreSQL's grammar needs it anywhere: also for every key word that isn't
/// unreserved, as quote_ident does.
[[nodiscard]] std::string identifier(std::string_view name);
/// 'it''s'; with E'' for backslashes and control characters, so that no line end of a file matters.
[[nodiscard]] std::string literal(std::string_view text);
/// Dollar quotes with a tag that the text doesn't hold; E'' where it has a carriage return.
[[nodiscard]] std::string body_literal(std::string_view text);

}  // namespace tapline::draft
