// Which room writes an object that is new, and what every object has: comment, privileges, owner.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/catalog/privileges.hpp"
#include "central/draft/builder.hpp"
#include "central/draft/grants.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

void add_schema(Builder& builder, const std::string& object) {
    Item item{.object = object, .rank = Rank::schema};
    item.up = "CREATE SCHEMA " + read_word(object).sql() + ";\n" + properties(builder, object);
    item.down = drop_sql(object);
    builder.put(std::move(item));
}

/// Without its version, which another server needn't have.
void add_extension(Builder& builder, const std::string& object) {
    Item item{.object = object, .rank = Rank::extension};
    item.up = fmt::format(
        "CREATE EXTENSION {} WITH SCHEMA {};",
        read_word(object).sql(),
        identifier(value_of(builder.wanted(object).attributes, "schema"))
    );
    item.down = drop_sql(object);
    builder.put(std::move(item));
}

}  // namespace

std::string value_of(const catalog::Attributes& attributes, const std::string& name) {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::string() : found->second;
}

std::string spoken(const Word& word) {
    if (word.part_kind == "column") {
        return "COLUMN " + word.sql() + "." + identifier(word.part);
    }
    if (!word.part_kind.empty()) {
        return fmt::format("{} {} ON {}", upper(word.part_kind), identifier(word.part), word.sql());
    }
    const bool routine =
        word.kind == "function" || word.kind == "procedure" || word.kind == "aggregate";
    if (word.kind == "operator") {
        return "OPERATOR " + word.rest;
    }
    return upper(word.kind) + " " + word.sql() + (routine ? "(" + word.arguments + ")" : "");
}

std::string properties(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    std::vector<std::string> lines;
    if (is.contains("comment")) {
        lines.push_back(
            fmt::format("COMMENT ON {} IS {};", spoken(word), literal(value_of(is, "comment")))
        );
    }
    const std::string owner = value_of(is, "owner");
    if (!owner.empty() && owner != catalog::owner_word) {
        builder.propose(
            object,
            fmt::format("ALTER {} OWNER TO {};", spoken(word), identifier(owner)),
            "",
            fmt::format("its owner is {}, who needn't exist elsewhere: decide whose it is", owner)
        );
    }
    if (is.contains("privileges")) {
        const bool column = word.part_kind == "column";
        const bool relation = word.kind == "view" || word.kind == "materialized view" ||
                              word.kind == "foreign table" || column;
        const Grants grants = grants_between(
            column ? "column" : word.kind,
            relation ? "TABLE " + word.sql() : spoken(word),
            column ? word.part : "",
            "",
            value_of(is, "privileges")
        );
        lines.insert(lines.end(), grants.give.begin(), grants.give.end());
        if (!grants.proposed.empty()) {
            builder.propose(
                object,
                fmt::format("{}", fmt::join(grants.proposed, "\n")),
                "",
                "rights that an object has by default are taken away: decide whether that is meant"
            );
        }
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
}

void Builder::added(const std::string& object) {
    const Word word = read_word(object);
    if (word.part_kind == "column") {
        add_column(*this, object);
    } else if (word.part_kind == "constraint") {
        add_constraint(*this, object);
    } else if (!word.part_kind.empty()) {
        add_part(*this, object);
    } else if (word.kind == "table" || word.kind == "foreign table") {
        add_table(*this, object);
    } else if (word.kind == "index") {
        add_index(*this, object);
    } else if (word.kind == "sequence") {
        add_sequence(*this, object);
    } else if (word.kind == "view" || word.kind == "materialized view") {
        add_view(*this, object);
    } else if (word.kind == "schema") {
        add_schema(*this, object);
    } else if (word.kind == "extension") {
        add_extension(*this, object);
    } else if (word.kind == "type") {
        add_type(*this, object);
    } else if (word.kind == "domain") {
        add_domain(*this, object);
    } else if (word.kind == "collation") {
        add_collation(*this, object);
    } else if (word.kind == "function" || word.kind == "procedure") {
        add_routine(*this, object);
    } else if (word.kind == "statistics") {
        add_statistics(*this, object);
    } else if (word.kind == "publication") {
        add_publication(*this, object);
    } else if (word.kind == "event trigger") {
        add_event_trigger(*this, object);
    } else {
        propose(
            object, "", "", "it is new, and has to be written by hand: drafts don't know this kind"
        );
    }
}

}  // namespace tapline::draft
