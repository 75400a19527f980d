#include "central/draft/reconcile.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "central/draft/comment.hpp"

namespace tapline::draft {

std::vector<Item> reconciling(
    const std::vector<catalog::Finding>& findings, catalog::Catalog expected, catalog::Catalog live
) {
    Sides sides;
    sides.head = std::move(live);
    sides.wanted = std::move(expected);
    drop_own_objects(sides.head.objects);
    drop_own_objects(sides.wanted.objects);
    std::set<std::string> about;
    for (const catalog::Finding& finding : findings) {
        about.insert(finding.object);
    }
    const auto concerns = [&](const Item& item) {
        if (about.contains(item.object)) {
            return true;
        }
        std::string object = item.object;
        for (const auto* side : {&sides.wanted, &sides.head}) {
            for (auto known = side->objects.find(object); known != side->objects.end();
                 known = side->objects.find(object)) {
                object = known->second.of;
                if (about.contains(object)) {
                    return true;
                }
            }
            object = item.object;
        }
        return false;
    };
    std::vector<Item> items = draft(sides);
    std::erase_if(items, [&](const Item& item) { return !concerns(item); });
    return items;
}

std::string script_of(const std::vector<Item>& items) {
    std::string sql;
    for (const Item& item : items) {
        sql += item.proposed() ? proposal(item) : item.up;
        if (!sql.empty() && sql.back() != '\n') {
            sql += '\n';
        }
    }
    return sql;
}

}  // namespace tapline::draft
