#include "bench/revisions.hpp"

#include <functional>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/lab/postgres.hpp"
#include "bench/lab/revision_projects.hpp"
#include "bench/lab/statistics.hpp"
#include "central/pg/process.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Times = std::map<std::string, std::vector<double>>;

/// Times of one side, by name; a round of each side in turn, every second round backwards.
using Sides = std::vector<std::pair<std::string, std::function<double()>>>;

Times measure_sides(const Sides& sides, int rounds) {
    Times times;
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < sides.size(); ++i) {
            const auto& [name, run] = sides[round % 2 == 0 ? i : sides.size() - 1 - i];
            throw_if_interrupted();
            times[name].push_back(run());
        }
    }
    return times;
}

Json describe(const Times& times, const std::string& ours) {
    Json json;
    for (const auto& [name, values] : times) {
        Json side;
        side["median_ms"] = rounded(median(values), 2);
        for (const double value : values) {
            side["each_ms"].push_back(rounded(value, 2));
        }
        json[name] = side;
    }
    for (const auto& [name, values] : times) {
        if (name != ours) {
            json["ratio_of_medians"][ours + "_to_" + name] =
                rounded(median(times.at(ours)) / median(values));
        }
    }
    return json;
}

class Revisions {
  public:
    Revisions(const Lab& lab, const RevisionOptions& options)
        : lab_(lab), options_(options), postgres_(pg::postgres_programs("15")) {}

    [[nodiscard]] Json noop() const {
        const RevisionProjects projects =
            projects_of("noop", options_.noop_revisions, small_revision);
        const Database ours(lab_.cluster(), "noop_ours", "template0");
        const Database theirs(lab_.cluster(), "noop_alembic", "template0");
        say("two databases to head, one by each tool");
        (void)time(upgrade(projects, ours.url()));
        (void)time(alembic_upgrade(projects, theirs.url()));
        say(fmt::format("upgrade with nothing to do, {} revisions", options_.noop_revisions));
        Json json = describe(
            measure_sides(
                {{"tapline", [&] { return time(upgrade(projects, ours.url())); }},
                 {"psql_select_1",
                  [&] {
                      return time(psql(ours.url(), {"-c", "select 1"}));
                  }},
                 {"alembic", [&] { return time(alembic_upgrade(projects, theirs.url())); }}},
                options_.noop_rounds
            ),
            "tapline"
        );
        json["revisions"] = options_.noop_revisions;
        return json;
    }

    [[nodiscard]] Json small() const {
        const RevisionProjects projects =
            projects_of("small", options_.small_revisions, small_revision);
        std::vector<std::string> files{"-v", "ON_ERROR_STOP=1", "-q"};
        for (const fs::path& script : projects.scripts) {
            files.emplace_back("-f");
            files.push_back(script);
        }
        say(fmt::format("{} small revisions from empty", options_.small_revisions));
        const auto fresh = [&](const auto& command_for) {
            const Database database(lab_.cluster(), "small", "template0");
            PgConnection(database.url()).exec("CHECKPOINT");
            return time(command_for(database.url()));
        };
        const auto ours = [&](const std::string& url) { return upgrade(projects, url); };
        const auto plain = [&](const std::string& url) { return psql(url, files); };
        const auto theirs = [&](const std::string& url) { return alembic_upgrade(projects, url); };
        Json json = describe(
            measure_sides(
                {{"tapline", [&] { return fresh(ours); }},
                 {"psql", [&] { return fresh(plain); }},
                 {"alembic", [&] { return fresh(theirs); }}},
                options_.small_rounds
            ),
            "tapline"
        );
        json["revisions"] = options_.small_revisions;
        return json;
    }

    [[nodiscard]] Json check() const {
        const RevisionProjects projects = projects_of("check", options_.tables, table_revision);
        const Database database(lab_.cluster(), "check", "template0");
        (void)time(upgrade(projects, database.url()));
        (void)time(ours({"snapshot", "--lineage", "app", "--dir", projects.ours}, database.url()));
        PgConnection(database.url()).exec("VACUUM ANALYZE");
        Command dump;
        dump.arguments = {postgres_ / "pg_dump", "--schema-only", "-d", database.url()};
        dump.output = lab_.directory() / "dump.sql";
        const Command look =
            ours({"check", "--lineage", "app", "--dir", projects.ours}, database.url());
        say(fmt::format("check beside pg_dump --schema-only, {} tables", options_.tables));
        Json json = describe(
            measure_sides(
                {{"tapline", [&] { return time(look); }}, {"pg_dump", [&] { return time(dump); }}},
                options_.check_rounds
            ),
            "tapline"
        );
        json["tables"] = options_.tables;
        return json;
    }

  private:
    [[nodiscard]] RevisionProjects projects_of(
        const std::string& name, int count, RevisionText (*text)(int)
    ) const {
        std::vector<RevisionText> revisions;
        for (int i = 0; i < count; ++i) {
            revisions.push_back(text(i));
        }
        return write_projects(lab_.directory() / name, revisions);
    }

    [[nodiscard]] Command ours(std::vector<std::string> arguments, const std::string& url) const {
        Command command;
        command.arguments = {lab_.programs().directory / "tapline-central"};
        command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
        command.environment = lab_.programs().environment;
        command.environment["DATABASE_URL"] = url;
        return command;
    }

    [[nodiscard]] Command upgrade(const RevisionProjects& projects, const std::string& url) const {
        return ours({"upgrade", "--lineage", "app", "--dir", projects.ours}, url);
    }

    [[nodiscard]] Command psql(const std::string& url, const std::vector<std::string>& arguments)
        const {
        Command command;
        // Not Debian's wrapper in /usr/bin: that is a Perl program of its own.
        command.arguments = {postgres_ / "psql", "-X", "-d", url};
        command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
        return command;
    }

    /// From fork to the end of the process, ms.
    [[nodiscard]] double time(Command command) const {
        command.log = lab_.log("revisions");
        const auto start = std::chrono::steady_clock::now();
        Child(std::move(command)).require_success(lab_.options().limit);
        const std::chrono::duration<double, std::milli> spent =
            std::chrono::steady_clock::now() - start;
        return spent.count();
    }

    const Lab& lab_;
    const RevisionOptions& options_;
    fs::path postgres_;
};

}  // namespace

Json measure_revisions(const Lab& lab, const RevisionOptions& options) {
    const Revisions revisions(lab, options);
    Json json;
    json["noop"] = revisions.noop();
    json["small"] = revisions.small();
    json["check"] = revisions.check();
    return json;
}

}  // namespace tapline::bench
