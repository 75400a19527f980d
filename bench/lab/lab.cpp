#include "bench/lab/lab.hpp"

#include <fstream>

#include <fmt/format.h>

#include "bench/lab/bar.hpp"
#include "bench/lab/postgres.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

constexpr const char* select_moved = "SELECT COALESCE(sum(cursor), 0)::bigint FROM tapline.cursor";

}  // namespace

Lab::Lab(LabOptions options)
    : options_(std::move(options)),
      directory_(options_.work_in, options_.keep),
      status_directory_("/dev/shm", false) {
    const std::filesystem::path settings = directory() / "empty.toml";
    std::ofstream(settings).flush();
    programs_.directory = options_.programs;
    programs_.environment["TAPLINE_CONFIG"] = settings;
    programs_.environment["RUNTIME_DIRECTORY"] = status_directory_.path();
    say(fmt::format("files in {}", directory().string()));
    cluster_ = std::make_unique<Cluster>(directory() / "pg");
    prepared_.emplace(*cluster_, "prepared", "template0");
    upgrade_database(programs_, prepared_->url(), log("upgrade"));
    seed_bar(prepared_->url());
    say("PostgreSQL runs, the bar is in it");
}

Database Lab::fresh_database(const std::string& name) const {
    return Database(*cluster_, name, prepared_->name());
}

void say(const std::string& text) {
    static const auto start = std::chrono::steady_clock::now();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    fmt::print(stderr, "{:7.1f} s  {}\n", spent.count(), text);
}

std::int64_t moved_rows(PgConnection& connection) {
    return connection.exec(select_moved).integer(0, 0);
}

}  // namespace tapline::bench
