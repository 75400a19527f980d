// Short ways to lint a text.
#pragma once

#include <string>
#include <vector>

#include "central/lint/files.hpp"
#include "central/lint/lint.hpp"
#include "common/error.hpp"

namespace tapline::test {

struct LintRun {
    std::string schema{};
    std::string before{};
    bool transaction = true;
};

inline lint::Report lint_text(const std::string& sql, const LintRun& run = {}) {
    lint::Catalog catalog;
    lint::apply_file(catalog, {"schema.sql", run.schema}, "schema.sql");
    lint::apply_file(catalog, {"before.sql", run.before}, "before.sql");
    return lint::lint_file(catalog, {"x.sql", sql}, "x.sql", run.transaction);
}

/// "1 data_loss block, 1 breaks_clients block": line, hazard, severity.
inline std::string summary(const lint::Report& report) {
    std::string text;
    for (const lint::Finding& each : report.findings) {
        text += (text.empty() ? "" : ", ") + std::to_string(each.line) + " " +
                std::string(lint::to_string(each.hazard)) + " " +
                std::string(lint::to_string(each.severity));
    }
    return text;
}

inline std::string summary(const std::string& sql, const LintRun& run = {}) {
    return summary(lint_text(sql, run));
}

/// "code: message" of the error that f throws.
template <typename F>
std::string error_of(F f) {
    try {
        static_cast<void>(f());
        return "no error";
    } catch (const Error& error) {
        return error.code() + ": " + error.what();
    }
}

}  // namespace tapline::test
