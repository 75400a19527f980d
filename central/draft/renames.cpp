// Something gone and something new of the same shape: perhaps one thing with another name.
#include <algorithm>

#include <fmt/format.h>

#include "central/draft/builder.hpp"

namespace tapline::draft {

namespace {

using catalog::Change;
using catalog::Finding;
using catalog::Objects;

/// Column by column, what a table is made of.
catalog::Attributes shape_of_table(const Objects& objects, const std::string& table) {
    catalog::Attributes shape;
    for (const auto& [key, object] : objects) {
        if (object.of == table && read_word(key).part_kind == "column") {
            shape[read_word(key).part] = value_of(object.attributes, "type");
        }
    }
    return shape;
}

/// What must be equal for two objects to be one; empty: this kind isn't looked at.
std::string shape(const Objects& objects, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Object& it = objects.at(object);
    std::string text;
    catalog::Attributes attributes;
    if (word.kind == "table" && word.part_kind.empty()) {
        attributes = shape_of_table(objects, object);
        text = "table in " + word.schema;
        if (attributes.empty()) {
            return {};
        }
    } else if (word.part_kind == "column") {
        text = "column of " + it.of;
        attributes["type"] = value_of(it.attributes, "type");
        attributes["generated"] = value_of(it.attributes, "generated");
        attributes["identity"] = value_of(it.attributes, "identity");
    } else if (word.part_kind == "constraint") {
        text = "constraint of " + it.of;
        attributes["definition"] = value_of(it.attributes, "definition");
    } else if (word.kind == "index") {
        text = "index of " + it.of;
        std::string definition = value_of(it.attributes, "definition");
        const std::size_t name = definition.find(" " + identifier(word.name) + " ON ");
        if (name == std::string::npos) {
            return {};
        }
        attributes["definition"] =
            definition.substr(0, name) + definition.substr(name + 1 + identifier(word.name).size());
    } else {
        return {};
    }
    for (const auto& [name, value] : attributes) {
        text += fmt::format("\n{}: {}", name, value);
    }
    return text;
}

std::string rename_sql(const Word& old, const Word& fresh) {
    if (old.part_kind.empty()) {
        return fmt::format(
            "ALTER {} {} RENAME TO {};",
            old.kind == "index" ? "INDEX" : "TABLE",
            old.sql(),
            identifier(fresh.name)
        );
    }
    return fmt::format(
        "ALTER TABLE {} RENAME {} {} TO {};",
        old.sql(),
        old.part_kind == "column" ? "COLUMN" : "CONSTRAINT",
        identifier(old.part),
        identifier(fresh.part)
    );
}

}  // namespace

std::set<std::string> Builder::renames(const std::vector<Finding>& findings) {
    std::map<std::string, std::vector<std::string>> gone;
    std::map<std::string, std::vector<std::string>> come;
    for (const Finding& each : findings) {
        const bool added = each.change == Change::added;
        if (each.change != Change::changed) {
            const std::string is =
                shape(added ? sides.wanted.objects : sides.head.objects, each.object);
            (added ? come : gone)[is].push_back(each.object);
        }
    }
    std::set<std::string> told;
    for (const auto& [is, old] : gone) {
        const auto fresh = come.find(is);
        if (is.empty() || fresh == come.end()) {
            continue;
        }
        for (std::size_t i = 0; i < std::min(old.size(), fresh->second.size()); ++i) {
            const std::string& to = fresh->second[i];
            const Word from = read_word(old[i]);
            const Word word = read_word(to);
            const bool breaks = from.kind == "table";
            propose(
                old[i],
                rename_sql(from, word),
                rename_sql(word, from),
                fmt::format(
                    "it is gone, and {} is new and of the same shape: decide whether it was "
                    "renamed{}. If "
                    "not, make the new one in a revision, and drop the old one in a later one of "
                    "Phase: "
                    "contract",
                    to,
                    breaks ? " (clients that use the old name fail from then on)" : ""
                )
            );
            propose(
                to,
                "",
                "",
                fmt::format("it is new; see {}, which may be it under its old name", old[i])
            );
            items.back().provides.insert({word.schema, word.name});
            if (word.part_kind == "column") {
                items.back().provides.clear();
                items.back().column = word.part;
                items.back().table = {word.schema, word.name};
            } else if (!word.part_kind.empty()) {
                items.back().provides.clear();
            }
            told.insert(old[i]);
            told.insert(to);
        }
    }
    return told;
}

}  // namespace tapline::draft
