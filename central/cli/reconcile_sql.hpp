// What the verbs that find differences offer with them: the SQL that would take them away.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/catalog/expectation.hpp"
#include "central/draft/draft.hpp"

namespace tapline::cli {

/// Listens to check_database. Lives as long as the options that it is put into.
class ReconcileSql {
  public:
    void listen(catalog::CheckOptions& options);
    /// Items about the findings, lineage by lineage.
    [[nodiscard]] std::vector<draft::Item> about(const std::vector<catalog::Finding>& findings
    ) const;

  private:
    std::vector<std::pair<catalog::Catalog, catalog::Catalog>> sides_;  ///< expected, live
};

/// [{"object", "sql", "decide"}]; decide is null where the SQL only adds.
[[nodiscard]] nlohmann::ordered_json reconcile_json(const std::vector<draft::Item>& items);
/// A heading and the SQL; "" for none.
[[nodiscard]] std::string reconcile_text(const std::vector<draft::Item>& items);

}  // namespace tapline::cli
