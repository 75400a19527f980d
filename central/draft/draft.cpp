#include "central/draft/draft.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/draft/builder.hpp"
#include "central/lint/lint.hpp"
#include "common/revision/file.hpp"

namespace tapline::draft {

namespace {

// What Ledger::bootstrap, HalfDoneLedger::bootstrap and write_accepted make.
constexpr std::array<std::string_view, 6> own{
    "table alembic_version",
    "table tapline.alembic_version",
    "table tapline.revision_log",
    "table tapline.revision_progress",
    "table tapline.accepted_difference",
    "schema tapline"};

bool is_own(const std::string& object) {
    return std::find(own.begin(), own.end(), object) != own.end();
}

}  // namespace

std::string_view to_string(Stage stage) noexcept {
    switch (stage) {
        case Stage::values:
            return "values";
        case Stage::main:
            return "main";
        case Stage::indexes:
            return "indexes";
        case Stage::keys:
            return "keys";
        case Stage::validation:
            return "validation";
    }
    return "main";
}

void drop_own_objects(catalog::Objects& objects) {
    std::erase_if(objects, [&](const auto& each) {
        // A sequence is a part of a column, which is a part of its table.
        const Word container = read_word(each.second.of);
        return is_own(each.first) || is_own(each.second.of) ||
               (container.part_kind == "column" && is_own(container.whole()));
    });
}

Builder::Builder(const Sides& both) : sides(both) {
    for (const auto& [key, object] : sides.wanted.objects) {
        if (!object.of.empty()) {
            parts_[object.of].push_back(key);
        }
    }
}

const std::vector<std::string>& Builder::parts_of(const std::string& object) const {
    static const std::vector<std::string> none;
    const auto found = parts_.find(object);
    return found == parts_.end() ? none : found->second;
}

std::string Builder::relation_of(const Word& word) const {
    for (const char* kind : {"table", "view", "materialized view", "foreign table"}) {
        Word relation = word;
        relation.kind = kind;
        if (sides.wanted.objects.contains(relation.whole())) {
            return relation.whole();
        }
    }
    return {};
}

bool Builder::is_new(const Word& word) const {
    return !sides.head.objects.contains(relation_of(word));
}

bool Builder::gets_keys(const std::string& table) const {
    if (!sides.head.objects.contains(table)) {
        return false;
    }
    const std::vector<std::string>& parts = parts_of(table);
    return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
        const std::string definition = value_of(wanted(part).attributes, "definition");
        return !sides.head.objects.contains(part) &&
               (definition.starts_with("PRIMARY KEY") || definition.starts_with("UNIQUE") ||
                definition.starts_with("CREATE UNIQUE INDEX"));
    });
}

Item& Builder::put(Item item) {
    while (item.up.ends_with('\n')) {
        item.up.pop_back();
    }
    // A carriage return inside a printed definition would end a line of the file.
    if (item.up.find('\r') != std::string::npos) {
        item.decide =
            "its definition holds a carriage return, which a revision file can't: write it by hand";
        item.up.clear();
        item.down.clear();
    }
    items.push_back(std::move(item));
    return items.back();
}

Item& Builder::propose(std::string object, std::string up, std::string down, std::string decide) {
    Item item{.object = std::move(object), .rank = Rank::proposal};
    item.up = std::move(up);
    item.down = std::move(down);
    item.decide = std::move(decide);
    items.push_back(std::move(item));
    return items.back();
}

bool Builder::is_harmless(const std::string& sql) const {
    lint::Catalog known = sides.known;
    const revision::Section section = revision::parse_plain(
        {"draft.sql", sql}, revision::Dialect::postgres, revision::TransactionControl::refuse
    );
    return !lint::lint_section(known, section, {"draft.sql"}).blocks();
}

void Builder::add(const catalog::Finding& finding) {
    switch (finding.change) {
        case catalog::Change::added:
            added(finding.object);
            return;
        case catalog::Change::removed:
            removed(finding);
            return;
        case catalog::Change::changed:
            changed(finding);
            return;
    }
}

std::vector<Item> draft(const Sides& sides) {
    Builder builder(sides);
    const std::vector<catalog::Finding> findings = catalog::compare(sides.head, sides.wanted);
    const std::set<std::string> told = builder.renames(findings);
    for (const catalog::Finding& finding : findings) {
        // A part may have come with what it is a part of.
        const bool known =
            std::any_of(builder.items.begin(), builder.items.end(), [&](const Item& item) {
                return item.object == finding.object;
            });
        if (!told.contains(finding.object) &&
            (finding.change != catalog::Change::added || !known)) {
            builder.add(finding);
        }
    }
    put_in_order(builder.items);
    return std::move(builder.items);
}

}  // namespace tapline::draft
