#include "central/cli/reconcile_sql.hpp"

#include <iterator>

#include <nlohmann/json.hpp>

#include "central/draft/reconcile.hpp"

namespace tapline::cli {

void ReconcileSql::listen(catalog::CheckOptions& options) {
    options.look = [this](const catalog::Catalog& expected, const catalog::Catalog& live) {
        sides_.emplace_back(expected, live);
    };
}

std::vector<draft::Item> ReconcileSql::about(const std::vector<catalog::Finding>& findings) const {
    std::vector<draft::Item> items;
    if (findings.empty()) {
        return items;
    }
    for (const auto& [expected, live] : sides_) {
        std::ranges::move(draft::reconciling(findings, expected, live), std::back_inserter(items));
    }
    return items;
}

nlohmann::ordered_json reconcile_json(const std::vector<draft::Item>& items) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const draft::Item& item : items) {
        nlohmann::ordered_json decide = nullptr;
        if (item.proposed()) {
            decide = item.decide;
        }
        list.push_back({{"object", item.object}, {"sql", item.up}, {"decide", decide}});
    }
    return list;
}

std::string reconcile_text(const std::vector<draft::Item>& items) {
    const std::string script = draft::script_of(items);
    return script.empty()
               ? ""
               : "SQL that would make it what the revisions say; look at it first:\n" + script;
}

}  // namespace tapline::cli
