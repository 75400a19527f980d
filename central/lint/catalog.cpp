#include "central/lint/catalog.hpp"

#include <algorithm>

namespace tapline::lint {

namespace {

template <typename List>
auto* find_named(List& list, std::string_view name) noexcept {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.name == name; });
    return found == list.end() ? nullptr : &*found;
}

bool mentions(const std::vector<std::string>& columns, std::string_view name) {
    return std::find(columns.begin(), columns.end(), name) != columns.end();
}

}  // namespace

const Column* Relation::column(std::string_view name) const noexcept {
    return find_named(columns, name);
}

Column* Relation::column(std::string_view name) noexcept {
    return find_named(columns, name);
}

const Constraint* Relation::constraint(std::string_view name) const noexcept {
    return find_named(constraints, name);
}

Constraint* Relation::constraint(std::string_view name) noexcept {
    return find_named(constraints, name);
}

void Relation::drop_column(std::string_view name) {
    std::erase_if(columns, [&](const Column& each) { return each.name == name; });
    std::erase_if(constraints, [&](const Constraint& each) {
        return mentions(each.columns, name);
    });
}

void Relation::drop_constraint(std::string_view name) {
    std::erase_if(constraints, [&](const Constraint& each) { return each.name == name; });
}

const Relation* Catalog::relation(std::string_view name) const noexcept {
    const auto found = relations.find(name);
    return found == relations.end() ? nullptr : &found->second;
}

Relation* Catalog::relation(std::string_view name) noexcept {
    const auto found = relations.find(name);
    return found == relations.end() ? nullptr : &found->second;
}

bool Catalog::existing(std::string_view relation_name) const noexcept {
    const Relation* const found = relation(relation_name);
    return found == nullptr || !found->fresh;
}

bool Catalog::holds_rows(std::string_view relation_name) const noexcept {
    const Relation* const found = relation(relation_name);
    return found == nullptr || !found->fresh || found->large;
}

bool Catalog::existing_column(std::string_view relation, std::string_view name) const {
    const Column* const found = column(relation, name);
    return existing(relation) && (found == nullptr || !found->fresh);
}

const Column* Catalog::column(std::string_view relation_name, std::string_view name) const {
    const Relation* const found = relation(relation_name);
    return found == nullptr ? nullptr : found->column(name);
}

bool Catalog::all_blank(std::string_view relation_name, const std::vector<std::string>& columns)
    const {
    return !columns.empty() &&
           std::all_of(columns.begin(), columns.end(), [&](const std::string& each) {
               const Column* const found = column(relation_name, each);
               return found != nullptr && found->blank;
           });
}

std::vector<const Index*> Catalog::indexes_of(std::string_view table) const {
    std::vector<const Index*> result;
    for (const auto& each : indexes) {
        if (each.second.table == table) {
            result.push_back(&each.second);
        }
    }
    return result;
}

std::set<std::string> Catalog::linked_tables(std::string_view table) const {
    std::set<std::string> result;
    for (const auto& each : relations) {
        for (const Constraint& constraint : each.second.constraints) {
            if (constraint.kind != ConstraintKind::foreign_key) {
                continue;
            }
            if (each.first == table) {
                result.insert(constraint.references);
            } else if (constraint.references == table) {
                result.insert(each.first);
            }
        }
    }
    result.erase(std::string(table));
    return result;
}

void Catalog::drop_relation(const std::string& name) {
    relations.erase(name);
    std::erase_if(indexes, [&](const auto& each) { return each.second.table == name; });
    for (auto& each : relations) {
        std::erase_if(each.second.constraints, [&](const Constraint& constraint) {
            return constraint.references == name;
        });
    }
}

void Catalog::rename_relation(const std::string& from, const std::string& to) {
    const auto found = relations.find(from);
    if (found == relations.end()) {
        return;
    }
    Relation moved = std::move(found->second);
    relations.erase(found);
    relations.insert_or_assign(to, std::move(moved));
    for (auto& each : indexes) {
        if (each.second.table == from) {
            each.second.table = to;
        }
    }
    for (auto& each : relations) {
        for (Constraint& constraint : each.second.constraints) {
            if (constraint.references == from) {
                constraint.references = to;
            }
        }
    }
}

Type Catalog::base_type(const Type& type) const {
    Type base = type;
    for (auto found = domains.find(base.name); !base.array && found != domains.end();
         found = domains.find(base.name)) {
        if (found->second.base.name == base.name) {
            break;
        }
        base = found->second.base;
    }
    return base;
}

void Catalog::settle() {
    for (auto& each : relations) {
        each.second.fresh = false;
        for (Column& column : each.second.columns) {
            column.fresh = false;
            column.blank = false;
        }
        for (Constraint& constraint : each.second.constraints) {
            constraint.fresh = false;
        }
    }
    for (auto& each : indexes) {
        each.second.fresh = false;
    }
    for (auto& each : domains) {
        each.second.fresh = false;
    }
    fresh_objects.clear();
}

std::string relation_name(Node node) {
    const std::string schema = node["schemaname"].text();
    const std::string name = node["relname"].text();
    return schema.empty() || schema == "public" ? name : schema + "." + name;
}

std::string dotted(const std::vector<std::string>& parts) {
    std::string result;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i + 1 < parts.size() && parts[i] == "public") {
            continue;
        }
        result += (result.empty() ? "" : ".") + parts[i];
    }
    return result;
}

std::string in_schema_of(std::string_view relation, const std::string& name) {
    const std::size_t dot = relation.find('.');
    return dot == std::string_view::npos ? name : std::string(relation.substr(0, dot + 1)) + name;
}

}  // namespace tapline::lint
