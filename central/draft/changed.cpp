// An object that both sides have, and that differs: what only adds is written, the rest is asked.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/draft/builder.hpp"
#include "central/draft/grants.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

using catalog::Attributes;
using catalog::Finding;

/// One object's differences, taken off as they are dealt with.
struct Differences {
    std::string object;
    Word word;
    Attributes expected;
    Attributes found;

    [[nodiscard]] bool has(const std::string& name) const {
        return expected.contains(name) || found.contains(name);
    }

    void done(const std::string& name) {
        expected.erase(name);
        found.erase(name);
    }
};

void put_property(Builder& builder, const Differences& d, std::string up, std::string down) {
    Item item{.object = d.object, .rank = Rank::property};
    item.up = std::move(up);
    item.down = std::move(down);
    builder.put(std::move(item));
}

void change_comment(Builder& builder, Differences& d) {
    if (!d.found.contains("comment")) {
        return;
    }
    const std::string old = value_of(d.expected, "comment");
    const std::string head = "COMMENT ON " + spoken(d.word) + " IS ";
    put_property(
        builder,
        d,
        head + literal(d.found.at("comment")) + ";",
        head + (d.expected.contains("comment") ? literal(old) : "NULL") + ";"
    );
    d.done("comment");
}

void change_privileges(Builder& builder, Differences& d) {
    if (!d.has("privileges")) {
        return;
    }
    const bool column = d.word.part_kind == "column";
    const bool table =
        column || d.word.kind.find("view") != std::string::npos || d.word.kind == "foreign table";
    const Grants grants = grants_between(
        column ? "column" : d.word.kind,
        table ? "TABLE " + d.word.sql() : spoken(d.word),
        column ? d.word.part : "",
        value_of(d.expected, "privileges"),
        value_of(d.found, "privileges")
    );
    if (!grants.give.empty()) {
        std::vector<std::string> back(grants.back.rbegin(), grants.back.rend());
        put_property(
            builder,
            d,
            fmt::format("{}", fmt::join(grants.give, "\n")),
            fmt::format("{}", fmt::join(back, "\n"))
        );
    }
    if (!grants.proposed.empty()) {
        builder.propose(
            d.object,
            fmt::format("{}", fmt::join(grants.proposed, "\n")),
            "",
            "rights are taken away, or the owner's change: decide whether that is meant"
        );
    }
    d.done("privileges");
}

/// New values of an enumeration whose old ones keep their order.
void change_values(Builder& builder, Differences& d) {
    if (d.word.kind != "type" || !d.expected.contains("values") || !d.found.contains("values")) {
        return;
    }
    const std::vector<std::string> old = split_list(d.expected.at("values"));
    const std::vector<std::string> fresh = split_list(d.found.at("values"));
    std::size_t at = 0;
    for (const std::string& each : fresh) {
        at += at < old.size() && each == old[at] ? 1U : 0U;
    }
    if (at < old.size()) {
        return;
    }
    Item item{.object = d.object, .stage = Stage::values, .rank = Rank::type};
    at = 0;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (at < old.size() && fresh[i] == old[at]) {
            ++at;
            continue;
        }
        std::string place;
        if (at < old.size()) {
            place = i == 0 ? " BEFORE " + old[0] : " AFTER " + fresh[i - 1];
        }
        item.up += fmt::format(
            "{}ALTER TYPE {} ADD VALUE IF NOT EXISTS {}{};",
            item.up.empty() ? "" : "\n",
            d.word.sql(),
            fresh[i],
            place
        );
    }
    builder.put(std::move(item));
    d.done("values");
}

/// NOT VALID here, valid there: nothing else differs.
void change_validity(Builder& builder, Differences& d) {
    const std::string old = value_of(d.expected, "definition");
    if (d.word.part_kind != "constraint" || old != value_of(d.found, "definition") + " NOT VALID") {
        return;
    }
    Item item{.object = d.object, .stage = Stage::validation, .rank = Rank::key};
    item.up = fmt::format(
        "ALTER TABLE {} VALIDATE CONSTRAINT {};", d.word.sql(), identifier(d.word.part)
    );
    item.down = fmt::format(
        "{}\nALTER TABLE {} ADD CONSTRAINT {} {};",
        drop_sql(d.object),
        d.word.sql(),
        identifier(d.word.part),
        old
    );
    const std::string comment =
        value_of(builder.sides.head.objects.at(d.object).attributes, "comment");
    if (!comment.empty()) {
        item.down += fmt::format("\nCOMMENT ON {} IS {};", spoken(d.word), literal(comment));
    }
    builder.put(std::move(item));
    d.done("definition");
}

/// A default where there was none changes no row that is there. It may fit the new type alone.
void change_default(Builder& builder, Differences& d) {
    if (d.word.part_kind != "column" || d.expected.contains("default") ||
        !d.found.contains("default") || d.has("type")) {
        return;
    }
    const std::string head =
        fmt::format("ALTER TABLE {} ALTER COLUMN {} ", d.word.sql(), identifier(d.word.part));
    put_property(
        builder, d, head + "SET DEFAULT " + d.found.at("default") + ";", head + "DROP DEFAULT;"
    );
    d.done("default");
    for (const std::string& part : builder.parts_of(d.object)) {
        if (!builder.sides.head.objects.contains(part) && part.starts_with("sequence ")) {
            const auto told = [&](const Item& item) { return item.object == part; };
            if (std::none_of(builder.items.begin(), builder.items.end(), told)) {
                builder.added(part);
            }
        }
    }
}

struct Proposal {
    std::string up;
    std::string down;
    std::string decide;
};

Proposal propose_column(const Differences& d) {
    const std::string head =
        fmt::format("ALTER TABLE {} ALTER COLUMN {} ", d.word.sql(), identifier(d.word.part));
    std::vector<std::string> up;
    std::vector<std::string> down;
    std::vector<std::string> decide;
    if (d.has("type")) {
        up.push_back(head + "TYPE " + value_of(d.found, "type") + ";");
        down.push_back(head + "TYPE " + value_of(d.expected, "type") + ";");
        decide.emplace_back(
            "its type changes: decide whether every value that is there fits and whether the table "
            "may be "
            "rewritten (`lint` tells); else add a column, fill it by a batch step and switch over"
        );
    }
    if (d.has("not null")) {
        const bool set = d.found.contains("not null");
        up.push_back(head + (set ? "SET NOT NULL;" : "DROP NOT NULL;"));
        down.push_back(head + (set ? "DROP NOT NULL;" : "SET NOT NULL;"));
        decide.emplace_back(
            set ? "it is to be NOT NULL: decide what rows without a value get; then a CHECK (… IS "
                  "NOT NULL) "
                  "NOT VALID, its VALIDATE in a later revision, and SET NOT NULL reads nothing"
                : "it may be NULL from now on: decide whether everybody who reads it can take that"
        );
    }
    if (d.has("default")) {
        const auto set = [&](const Attributes& side) {
            return side.contains("default") ? "SET DEFAULT " + side.at("default") + ";"
                                            : std::string("DROP DEFAULT;");
        };
        up.push_back(head + set(d.found));
        down.push_back(head + set(d.expected));
        decide.emplace_back(
            "its default changes: decide whether clients that don't name the column are meant to "
            "write "
            "something else"
        );
    }
    if (decide.empty()) {
        return {"", "", "it differs: decide what is meant and write it by hand"};
    }
    return {
        fmt::format("{}", fmt::join(up, "\n")),
        fmt::format("{}", fmt::join(down, "\n")),
        fmt::format("{}", fmt::join(decide, "; "))};
}

Proposal propose_routine(Builder& builder, const Differences& d) {
    const auto& head = builder.sides.head.objects.at(d.object).attributes;
    const auto& wanted = builder.wanted(d.object).attributes;
    return {
        routine_sql(d.object, wanted, true),
        routine_sql(d.object, head, true),
        "it does something else from now on: decide whether all who call it want that"};
}

Proposal propose_view(Builder& builder, const Differences& d) {
    const auto sql = [&](const Attributes& attributes) {
        return fmt::format(
            "CREATE OR REPLACE VIEW {} AS\n{}", d.word.sql(), value_of(attributes, "definition")
        );
    };
    return {
        sql(builder.wanted(d.object).attributes),
        sql(builder.sides.head.objects.at(d.object).attributes),
        "it says something else from now on: decide whether all who read it want that. OR REPLACE "
        "takes "
        "new columns at the end only; anything else is DROP and CREATE"};
}

Proposal propose_anything(Builder& builder, const Differences& d) {
    if (d.word.part_kind == "column") {
        return propose_column(d);
    }
    if (d.word.kind == "function" || d.word.kind == "procedure") {
        return propose_routine(builder, d);
    }
    if (d.word.kind == "view" && d.has("definition")) {
        return propose_view(builder, d);
    }
    if (d.word.part_kind == "constraint" && d.has("definition")) {
        const std::string head = fmt::format(
            "{}\nALTER TABLE {} ADD CONSTRAINT {} ",
            drop_sql(d.object),
            d.word.sql(),
            identifier(d.word.part)
        );
        return {
            head + value_of(d.found, "definition") + ";",
            head + value_of(d.expected, "definition") + ";",
            "it refuses something else from now on: decide what becomes of rows that it would "
            "refuse; add "
            "the new one NOT VALID under another name and validate it before the old one goes"};
    }
    if (d.word.kind == "type" && d.has("values")) {
        return {
            "",
            "",
            "values are gone or in another order, which PostgreSQL can't do to an enumeration: "
            "decide "
            "whether rows hold them; a new type, a column of it and a switch-over is the way"};
    }
    const std::string& of = builder.wanted(d.object).of;
    if (d.word.kind == "index" && builder.sides.head.objects.at(d.object).of != of) {
        return {"", "", fmt::format("it stands on {} now: decide first what becomes of that", of)};
    }
    if (d.word.kind == "index" && d.has("definition")) {
        return {
            value_of(d.found, "definition") + ";",
            "",
            "it is made otherwise: build the new one CONCURRENTLY under another name, then drop "
            "the old one"};
    }
    return {"", "", "it differs: decide what is meant and write it by hand"};
}

std::string difference_text(const Differences& d) {
    std::vector<std::string> lines;
    std::set<std::string> names;
    for (const Attributes* side : {&d.expected, &d.found}) {
        for (const auto& [name, value] : *side) {
            names.insert(name);
        }
    }
    const auto shown = [](const Attributes& side, const std::string& name) {
        const auto value = side.find(name);
        if (value == side.end()) {
            return std::string("nothing");
        }
        constexpr std::size_t longest = 120;
        const bool fits = value->second.size() <= longest &&
                          value->second.find_first_of("\r\n") == std::string::npos;
        return fits ? value->second : std::string("another one");
    };
    for (const std::string& name : names) {
        lines.push_back(
            fmt::format("{}: {} -> {}", name, shown(d.expected, name), shown(d.found, name))
        );
    }
    return fmt::format("{}", fmt::join(lines, "; "));
}

}  // namespace

void Builder::changed(const Finding& finding) {
    Differences d{finding.object, read_word(finding.object), finding.expected, finding.found};
    change_comment(*this, d);
    change_privileges(*this, d);
    change_values(*this, d);
    change_validity(*this, d);
    change_default(*this, d);
    if (d.expected.empty() && d.found.empty()) {
        return;
    }
    Proposal proposal = propose_anything(*this, d);
    propose(
        d.object,
        std::move(proposal.up),
        std::move(proposal.down),
        fmt::format("{} ({})", proposal.decide, difference_text(d))
    );
}

}  // namespace tapline::draft
