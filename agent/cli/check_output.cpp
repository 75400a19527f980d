#include "agent/cli/check_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::cli {

void print_check(const doctor::Check& check, std::string& subject) {
    if (check.subject != subject) {
        subject = check.subject;
        fmt::print("{}\n", subject);
    }
    fmt::print("  {:<7} {:<20} {}\n", doctor::name_of(check.verdict), check.id, check.measured);
    if (!check.what_to_do.empty()) {
        fmt::print("          What to do: {}\n", check.what_to_do);
    }
}

nlohmann::json to_json(const doctor::Report& report) {
    auto checks = nlohmann::json::array();
    for (const auto& check : report) {
        checks.push_back(
            {{"id", check.id},
             {"verdict", doctor::name_of(check.verdict)},
             {"measured", check.measured},
             {"what_to_do", check.what_to_do},
             {"subject", check.subject}}
        );
    }
    return checks;
}

}  // namespace tapline::cli
