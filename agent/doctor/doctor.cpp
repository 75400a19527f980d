#include "agent/doctor/doctor.hpp"

#include <algorithm>
#include <iterator>

#include "agent/doctor/looks.hpp"
#include "agent/sync/https_transport.hpp"
#include "common/error.hpp"

namespace tapline::doctor {

namespace {

service::Settings settings_of(const Scope& scope, Report& report) {
    auto [settings, troubles] = service::readable_settings(scope.flags, scope.environment);
    if (!settings.central.empty()) {
        try {
            static_cast<void>(sync::parse_central_url(settings.central));
        } catch (const Error& failure) {
            troubles.push_back(failure);
            settings.central.clear();
        }
    }
    if (troubles.empty()) {
        report.push_back({"settings", Verdict::ok, "readable", "", ""});
        return settings;
    }
    std::string measured;
    for (const auto& trouble : troubles) {
        measured += (measured.empty() ? "" : "; ") + std::string(trouble.what());
    }
    report.push_back({"settings", Verdict::fail, measured, troubles.front().hint(), ""});
    return settings;
}

std::vector<Group> groups_of(const Scope& scope, const service::Settings& settings) {
    std::vector<Group> groups{
        memory_group(scope.look),
        heat_and_power_group(scope.look),
        clock_group(scope.look),
        card_group(scope.look),
        service_group(scope.look),
        network_group(scope.look, settings.central),
        name_group(settings.central),
        identity_group(settings),
        central_group(settings),
        stray_group(scope.look, settings.journals)};
    for (const auto& journal : settings.journals) {
        groups.push_back(storage_group(journal));
        groups.push_back(wal_group(scope.look, journal));
        groups.push_back(journal_group(journal, scope.quick_check));
        groups.push_back(writer_group(scope.look, journal));
        groups.push_back(old_loop_group(scope.look, settings, journal));
        groups.push_back(versions_group(settings, journal));
    }
    return groups;
}

}  // namespace

int exit_code(const Report& report) noexcept {
    auto worst = Verdict::ok;
    for (const auto& check : report) {
        worst = std::max(worst, check.verdict);
    }
    if (worst == Verdict::fail) {
        return 5;
    }
    return worst == Verdict::warn ? 1 : 0;
}

Report examine(const Scope& scope) {
    const auto end = std::chrono::steady_clock::now() + scope.time_limit;
    Report report;
    const auto settings = settings_of(scope, report);
    for (const auto& group : groups_of(scope, settings)) {
        auto found = look_at(group, report, end);
        std::move(found.begin(), found.end(), std::back_inserter(report));
    }
    return report;
}

}  // namespace tapline::doctor
