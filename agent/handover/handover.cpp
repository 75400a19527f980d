#include "agent/handover/handover.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <unistd.h>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/handover/bait.hpp"
#include "agent/handover/switch_on.hpp"
#include "agent/journal/owner.hpp"
#include "agent/service/living.hpp"
#include "common/error.hpp"

namespace tapline::handover {

namespace {

using doctor::Check;
using doctor::Report;
using doctor::Tell;
using doctor::Verdict;
using Ids = std::vector<std::string_view>;

constexpr std::chrono::seconds quick_check{4};
/// Of all looks together, besides the watch.
constexpr std::chrono::seconds looks_limit{120};

/// Of what the doctor's groups tell, that which matters here.
constexpr std::array<std::string_view, 11> shown{
    "identity",
    "certificate_dates",
    "central_reachable",
    "journal_file",
    "journal_adopted",
    "journal_integrity",
    "foreign_status",
    "central_accepts",
    "tap_program",
    "old_loop_settings",
    "old_loop"};
// Unless these are ok, nothing is switched on; the others mustn't fail.
constexpr std::array<std::string_view, 4> must_be_ok{
    "settings", "journal_file", "journal_adopted", "central_accepts"};
constexpr std::array<std::string_view, 3> must_not_fail{
    "identity", "certificate_dates", "journal_integrity"};

/// The service doesn't see the variables of the technician's shell.
Environment without_our_variables(const Environment& environment) {
    return [environment](const std::string& name) -> std::optional<std::string> {
        const bool ours = name.starts_with("TAPLINE_") && name != "TAPLINE_CONFIG";
        return ours ? std::nullopt : environment(name);
    };
}

class Handover {
  public:
    Handover(const Order& order, const Tell& tell, const std::function<void()>& waits)
        : order_(order),
          tell_(tell),
          waits_(waits),
          environment_(without_our_variables(order.environment)) {}

    [[nodiscard]] Outcome run() {
        read_settings();
        look();
        const auto served = service::served_by(
            service::living_agents(settings_.status_file, environment_), order_.journal
        );
        if (served) {
            tell_served(served->pid);
        } else {
            try_loop();
        }
        if (blocked(served.has_value())) {
            return std::move(outcome_);
        }
        if (order_.check_only) {
            return end(served ? "old_loop_unknown" : "checked", served ? 1 : 0);
        }
        return switch_over();
    }

  private:
    void add(Check check) {
        tell_(check);
        all_.push_back(check);
        outcome_.checks.push_back(std::move(check));
    }

    void end_as(const char* code, int exit_code) {
        outcome_.code = code;
        outcome_.exit_code = exit_code;
    }

    Outcome end(const char* code, int exit_code) {
        end_as(code, exit_code);
        return std::move(outcome_);
    }

    void read_settings() {
        auto flags = order_.flags;
        flags.journals = {order_.journal};
        settings_ = service::load_settings(flags, environment_, false);
        config_ =
            flags.config.value_or(environment_("TAPLINE_CONFIG").value_or(service::default_config));
        const bool none = settings_.central.empty();
        add(
            {"settings",
             none ? Verdict::fail : Verdict::ok,
             none ? fmt::format("{} doesn't say where central is", config_)
                  : fmt::format("{}: central is {}", config_, settings_.central),
             none ? "Write it there: central = \"https://HOST:PORT\"; then enroll." : "",
             ""}
        );
    }

    void take(const doctor::Group& group, std::chrono::seconds limit) {
        const auto until = std::chrono::steady_clock::now() + limit;
        for (auto& check : doctor::look_at(group, all_, until)) {
            const bool matters = std::find(shown.begin(), shown.end(), check.id) != shown.end() ||
                                 check.id == "lock";
            if (matters) {
                add(std::move(check));
            } else {
                all_.push_back(std::move(check));
            }
        }
    }

    void look() {
        const auto& journal = order_.journal;
        for (const auto& group :
             {doctor::identity_group(settings_),
              doctor::central_group(settings_),
              doctor::storage_group(journal),
              doctor::journal_group(journal, quick_check),
              doctor::versions_group(settings_, journal),
              doctor::old_loop_group(order_.look, settings_, journal)}) {
            take(group, looks_limit);
        }
    }

    void try_loop() {
        const auto& adopted = find("journal_adopted");
        const bool can = adopted && adopted->verdict == Verdict::ok;
        if (can) {
            waits_();
        }
        take(trial_group({order_.journal, order_.look, order_.wait}), order_.wait + looks_limit);
        const auto lock = find("lock");
        if (lock && lock->verdict == Verdict::ok) {
            // The watch may have ended by a signal, or the disk.
            take(clean_up_group(order_.journal), looks_limit);
        }
    }

    void tell_served(std::int64_t pid) {
        const auto& journal = order_.journal;
        add({"lock", Verdict::ok, fmt::format("process {} serves it already", pid), "", journal});
        add(
            {"old_loop",
             Verdict::unknown,
             "it can't be tried while an agent marks the pours",
             fmt::format(
                 "For the proof: sudo systemctl stop tapline-agent; tapline-agent journal handover "
                 "{} --check; then start it again.",
                 journal
             ),
             journal}
        );
    }

    [[nodiscard]] std::optional<Check> find(std::string_view id) const {
        for (const auto& check : all_) {
            if (check.id == id) {
                return check;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is(std::string_view id, Verdict verdict) const {
        const auto check = find(id);
        return check && check->verdict == verdict;
    }

    /// Ends the outcome when something stands in the way.
    [[nodiscard]] bool blocked(bool served) {
        const auto bad = [this](std::string_view id) { return !is(id, Verdict::ok); };
        const auto failed = [this](std::string_view id) { return is(id, Verdict::fail); };
        const bool marked = served && is("foreign_status", Verdict::warn);
        const bool unknown = !served && bad("old_loop") && !order_.unproven;
        if (is("journal_integrity", Verdict::fail)) {
            end_as("damaged", 5);
        } else if (failed("lock")) {
            end_as("locked", 3);
        } else if (marked || failed("old_loop")) {
            end_as("old_loop_runs", 1);
        } else if (
            std::any_of(must_be_ok.begin(), must_be_ok.end(), bad) ||
            std::any_of(must_not_fail.begin(), must_not_fail.end(), failed)
        ) {
            end_as("not_ready", 1);
        } else if (unknown) {
            end_as("old_loop_unknown", 1);
        }
        return !outcome_.code.empty();
    }

    Outcome switch_over() {
        const SwitchOn steps{
            order_.look,
            journal::real_journal_path(order_.journal),
            config_,
            settings_.status_file,
            environment_};
        if (!has_systemd(order_.look)) {
            outcome_.commands = commands_for(steps);
            return end("no_systemd", 1);
        }
        const bool already = is_on(steps);
        for (auto& check : switch_on(steps, tell_)) {
            outcome_.checks.push_back(std::move(check));
        }
        const bool done =
            std::all_of(outcome_.checks.end() - 4, outcome_.checks.end(), [](const Check& check) {
                return check.verdict == Verdict::ok;
            });
        if (!done) {
            return end("not_switched_on", 1);
        }
        return end(already ? "already_handed_over" : "handed_over", 0);
    }

    const Order& order_;
    const Tell& tell_;
    const std::function<void()>& waits_;
    Environment environment_;
    service::Settings settings_;
    std::string config_;
    Report all_;  ///< also what isn't shown
    Outcome outcome_;
};

}  // namespace

Outcome hand_over(const Order& order, const Tell& tell, const std::function<void()>& waits) {
    if (order.look.real() && ::geteuid() != 0) {
        throw Error(
            ErrorKind::refused,
            "not_root",
            "a handover looks at other users' processes and writes systemd's settings",
            fmt::format("sudo tapline-agent journal handover {}", order.journal)
        );
    }
    return Handover(order, tell, waits).run();
}

}  // namespace tapline::handover
