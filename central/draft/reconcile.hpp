// The SQL that would make a live schema what its revisions say, for a person to look at. Pure.
#pragma once

#include <string>
#include <vector>

#include "central/draft/draft.hpp"

namespace tapline::draft {

/// Of a draft from the live catalog to the expected one, those items that are about these findings,
/// in order; also the parts of what is missing as a whole.
[[nodiscard]] std::vector<Item> reconciling(
    const std::vector<catalog::Finding>& findings, catalog::Catalog expected, catalog::Catalog live
);

/// For psql: what only adds as it is, everything else behind `-- DECIDE: …` as comments. "" for
/// none.
[[nodiscard]] std::string script_of(const std::vector<Item>& items);

}  // namespace tapline::draft
