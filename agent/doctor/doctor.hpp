// What is wrong with this tap's machine, and what a technician does about it. Works without the
// daemon and without a network; nothing is changed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/look.hpp"
#include "common/config.hpp"

namespace tapline::doctor {

enum class Verdict { ok, skip, unknown, warn, fail };

[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

struct Check {
    std::string id;  ///< stable, snake_case; docs/doctor.md lists them
    Verdict verdict = Verdict::ok;
    std::string measured;    ///< text with its unit
    std::string what_to_do;  ///< empty unless warn or fail
    std::string subject;     ///< the journal it is about; empty: the machine
};

using Report = std::vector<Check>;

struct Scope {
    Look look;
    std::vector<std::string> journals;  ///< empty: those of the settings
    std::optional<std::string> config;
    Environment environment;
};

/// Always the same checks in the same order, those of a journal once for each. As root it becomes
/// the owner of the first journal, after it has read what only root may. At most about 5 s a
/// journal.
[[nodiscard]] Report examine(const Scope& scope);

/// By the worst verdict: 0 ok, skip or unknown; 1 warn; 5 fail.
[[nodiscard]] int exit_code(const Report& report) noexcept;

/// One concept a file; examine() puts them together.
void check_machine(const Look& look, Report& report);
void check_clock(const Look& look, Report& report);
void check_storage(const Look& look, const std::filesystem::path& journal, Report& report);
void check_wal(const Look& look, const std::filesystem::path& journal, Report& report);
/// Becomes the journal's owner: the last one.
void check_journal(const std::filesystem::path& journal, Report& report);

}  // namespace tapline::doctor
