#include "bench/lab/tap.hpp"

#include <fmt/format.h>

#include "bench/lab/bar.hpp"
#include "bench/lab/postgres.hpp"

namespace tapline::bench {

namespace {

constexpr int cards_used = 20;
constexpr std::chrono::seconds register_limit{30};
constexpr const char* count_journals = "SELECT count(*) FROM tapline.journal";

std::string card_list() {
    std::string list;
    for (int number = 0; number < cards_used; ++number) {
        list += (number == 0 ? "" : ",") + card_uid(number);
    }
    return list;
}

}  // namespace

Command tap_command(const Lab& lab, const TapOptions& options) {
    Command command;
    command.arguments = {
        lab.programs().directory / "tapline-tap-sim", "--journal", options.journal};
    const auto add = [&command](const std::string& option, const std::string& value) {
        command.arguments.insert(command.arguments.end(), {option, value});
    };
    add("--release", "gen8");
    add("--tap", "1");
    add("--cards", card_list());
    add("--busy-timeout-ms", "100");
    add("--seed", std::to_string(options.seed));
    add("--connection", options.persistent ? "persistent" : "per-operation");
    add("--rate", fmt::format("{}", options.rate));
    if (options.count > 0) {
        add("--count", std::to_string(options.count));
    } else {
        add("--seconds", std::to_string(options.seconds));
    }
    if (!options.report.empty()) {
        add("--latency-json", options.report);
    }
    return command;
}

void wait_registered(PgConnection& connection, std::int64_t journals) {
    const auto all = [&] { return connection.exec(count_journals).integer(0, 0) >= journals; };
    wait_until(all, register_limit, "central hears of every journal");
}

}  // namespace tapline::bench
