// What `reconcile` found, in words and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/reconcile/account.hpp"
#include "central/reconcile/days.hpp"
#include "central/reconcile/journals.hpp"

namespace tapline::cli {

/// One account with the causes of its difference.
struct AccountReport {
    reconcile::Account account;
    std::vector<reconcile::Cause> causes;
};

[[nodiscard]] std::string account_text(const AccountReport& report);
[[nodiscard]] std::string journal_text(const reconcile::JournalState& state);
[[nodiscard]] std::string day_text(const reconcile::TapDay& day);

[[nodiscard]] nlohmann::ordered_json account_json(const AccountReport& report);
[[nodiscard]] nlohmann::ordered_json journal_json(const reconcile::JournalState& state);
[[nodiscard]] nlohmann::ordered_json day_json(const reconcile::TapDay& day);

}  // namespace tapline::cli
