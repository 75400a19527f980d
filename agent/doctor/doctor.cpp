#include "agent/doctor/doctor.hpp"

#include <algorithm>

#include "agent/journal/owner.hpp"
#include "agent/service/settings.hpp"
#include "common/error.hpp"

namespace tapline::doctor {

std::string_view name_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::skip:
            return "skip";
        case Verdict::unknown:
            return "unknown";
        case Verdict::warn:
            return "warn";
        case Verdict::fail:
            return "fail";
    }
    return "unknown";
}

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
    Report report;
    auto journals = scope.journals;
    try {
        service::Flags flags;
        flags.config = scope.config;
        flags.journals = scope.journals;
        journals = service::load_settings(flags, scope.environment, false).journals;
        report.push_back({"settings", Verdict::ok, "readable", "", ""});
    } catch (const Error& failure) {
        report.push_back({"settings", Verdict::fail, failure.what(), failure.hint(), ""});
    }
    check_machine(scope.look, report);
    check_clock(scope.look, report);
    std::vector<std::filesystem::path> real;
    for (const auto& file : journals) {
        try {
            real.push_back(journal::real_journal_path(file));
        } catch (const Error& failure) {
            report.push_back({"journal_file", Verdict::fail, failure.what(), failure.hint(), file});
        }
    }
    for (const auto& file : real) {
        check_storage(scope.look, file, report);
        check_wal(scope.look, file, report);
    }
    for (const auto& file : real) {
        check_journal(file, report);
    }
    return report;
}

}  // namespace tapline::doctor
