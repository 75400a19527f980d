// tapline-bench: figures of tapline on this machine, as JSON. It never says whether they are good.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/backlog.hpp"
#include "bench/bare.hpp"
#include "bench/connections.hpp"
#include "bench/drain.hpp"
#include "bench/footprint.hpp"
#include "bench/lab/lab.hpp"
#include "bench/lab/machine.hpp"
#include "bench/latency.hpp"
#include "bench/revisions.hpp"
#include "bench/writer.hpp"
#include "common/error.hpp"

namespace {

using namespace tapline::bench;
using tapline::Error;
using tapline::ErrorKind;
using Json = nlohmann::ordered_json;

struct Options {
    LabOptions lab;
    int limit_s = 600;
    DrainOptions drain;
    BareOptions bare;
    BacklogOptions backlog;
    LatencyOptions latency;
    FootprintOptions footprint;
    ConnectionOptions connections;
    RevisionOptions revisions;
    WriterOptions writer;
};

void add_drain(CLI::App& app, DrainOptions& options) {
    app.add_option("--rows", options.rows, "Pours in all")->check(CLI::Range(100, 5'000'000));
    app.add_option("--journals", options.journals, "Journals they are in")
        ->check(CLI::Range(1, 50));
    app.add_option("--agents", options.agents, "Agent processes")->check(CLI::Range(1, 16));
    app.add_option("--rounds", options.rounds, "Runs of each side")->check(CLI::Range(1, 50));
}

void add_bare(CLI::App& app, BareOptions& options) {
    app.add_option("--rows", options.rows)->check(CLI::Range(100, 5'000'000));
    app.add_option("--journals", options.journals)->check(CLI::Range(1, 50));
    app.add_option("--transaction-rows", options.transaction_rows)->check(CLI::Range(1, 100'000));
    app.add_option("--transaction-journals", options.transaction_journals)
        ->check(CLI::Range(1, 50));
}

void add_backlog(CLI::App& app, BacklogOptions& options, const std::string& prefix) {
    app.add_option("--" + prefix + "rows", options.rows, "Pours of the long backlog")
        ->check(CLI::Range(1'000, 5'000'000));
    app.add_option("--" + prefix + "away-s", options.away_s, "Seconds without central")
        ->check(CLI::Range(1, 3'600));
}

void add_latency(CLI::App& app, LatencyOptions& options) {
    app.add_option("--pours", options.pours, "Pours measured")->check(CLI::Range(1, 100'000));
    app.add_option("--rate", options.rate, "Pours per second")->check(CLI::Range(0.1, 100.0));
}

void add_footprint(CLI::App& app, FootprintOptions& options) {
    app.add_option("--seconds", options.seconds, "Of each period")->check(CLI::Range(1, 3'600));
}

void add_connections(CLI::App& app, ConnectionOptions& options) {
    app.add_option("--connections", options.connections)->check(CLI::Range(1, 100'000));
    app.add_option("--body-bytes", options.body_bytes)->check(CLI::Range(1, 1'000'000));
}

void add_revisions(CLI::App& app, RevisionOptions& options) {
    app.add_option("--noop-rounds", options.noop_rounds)->check(CLI::Range(1, 200));
    app.add_option("--small-rounds", options.small_rounds)->check(CLI::Range(1, 200));
    app.add_option("--check-rounds", options.check_rounds)->check(CLI::Range(1, 200));
}

void add_writer(CLI::App& app, WriterOptions& options, const std::string& prefix) {
    app.add_option("--" + prefix + "seconds", options.seconds, "Of each run")
        ->check(CLI::Range(1, 3'600));
    app.add_option("--" + prefix + "rounds", options.rounds, "Runs per side and kind of writer")
        ->check(CLI::Range(1, 50));
}

std::filesystem::path own_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

void add_common(CLI::App& app, Options& options) {
    options.lab.programs = own_directory();
    app.add_option("--bin", options.lab.programs, "Directory of tapline's programs");
    app.add_option("--work-in", options.lab.work_in, "Where files go: a directory on a real disk");
    app.add_option("--limit-s", options.limit_s, "Longest wait for any one piece of work")
        ->check(CLI::Range(10, 7'200));
    app.add_flag("--keep", options.lab.keep, "Keep files and logs");
    app.footer(
        "Examples:\n"
        "  tapline-bench all > figures.json\n"
        "  tapline-bench drain --rows 20000 --journals 20 --rounds 1\n"
        "Progress is on stderr. The exit code says whether it could measure, never whether the\n"
        "figures are good. bench/README.md explains them."
    );
}

Json document(const Lab& lab) {
    Json json;
    json["machine"] = machine_facts(lab.directory(), lab.programs().directory);
    json["postgresql_settings"] = Cluster::settings();
    return json;
}

/// The names of the sections in the document are those of the verbs.
Json measure(const CLI::App& app, const Options& options) {
    const Lab lab(options.lab);
    Json json = document(lab);
    const bool all = app.got_subcommand("all");
    if (all || app.got_subcommand("drain")) {
        json["drain"] = measure_drain(lab, options.drain);
    }
    if (all || app.got_subcommand("backlog")) {
        json["backlog"] = measure_backlog(lab, options.backlog);
    }
    if (all || app.got_subcommand("latency")) {
        json["latency"] = measure_latency(lab, options.latency);
    }
    if (all || app.got_subcommand("footprint")) {
        json["footprint"] = measure_footprint(lab, options.footprint);
    }
    if (all || app.got_subcommand("connections")) {
        json["connections"] = measure_connections(lab, options.connections);
    }
    if (all || app.got_subcommand("revisions")) {
        json["revisions"] = measure_revisions(lab, options.revisions);
    }
    if (all || app.got_subcommand("writer")) {
        json["writer"] = measure_writer(lab, options.writer);
    }
    return json;
}

Json run_bare_program(const BareOptions& options) {
    const char* url = std::getenv("DATABASE_URL");
    if (url == nullptr) {
        throw Error(
            ErrorKind::usage,
            "no_database",
            "DATABASE_URL isn't set",
            "`drain` starts this by itself"
        );
    }
    return run_bare(url, options);
}

void check_drain(const DrainOptions& options) {
    if (options.rows % options.journals != 0 || options.agents > options.journals) {
        throw Error(
            ErrorKind::usage,
            "drain",
            "--rows must be a multiple of --journals, and --agents at most --journals"
        );
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Measures tapline on this machine and prints JSON");
    add_common(app, options);
    app.require_subcommand(1);
    app.fallthrough();
    add_drain(
        *app.add_subcommand("drain", "Backlog to PostgreSQL, beside bare libpq"), options.drain
    );
    add_bare(
        *app.add_subcommand("bare", "The bare side of drain; DATABASE_URL names the database"),
        options.bare
    );
    add_backlog(
        *app.add_subcommand("backlog", "One long journal: start, memory, drain"),
        options.backlog,
        ""
    );
    add_latency(
        *app.add_subcommand("latency", "COMMIT of the writer to PostgreSQL"), options.latency
    );
    add_footprint(*app.add_subcommand("footprint", "Memory, wake-ups, writes"), options.footprint);
    add_connections(
        *app.add_subcommand("connections", "Memory of central with many TLS connections"),
        options.connections
    );
    add_writer(
        *app.add_subcommand("writer", "The writer's COMMIT with and without agent"),
        options.writer,
        ""
    );
    add_revisions(
        *app.add_subcommand("revisions", "Upgrades and check, beside psql, pg_dump and Alembic"),
        options.revisions
    );
    CLI::App& all = *app.add_subcommand("all", "Everything, with the defaults of each");
    add_drain(all, options.drain);
    add_backlog(all, options.backlog, "backlog-");
    add_latency(all, options.latency);
    add_footprint(all, options.footprint);
    add_connections(all, options.connections);
    add_revisions(all, options.revisions);
    add_writer(all, options.writer, "writer-");
    CLI11_PARSE(app, argc, argv);
    options.lab.limit = std::chrono::seconds(options.limit_s);
    install_interrupt_handler();
    try {
        check_drain(options.drain);
        const bool bare = app.got_subcommand("bare");
        const Json json = bare ? run_bare_program(options.bare) : measure(app, options);
        fmt::print("{}\n", json.dump(1));
        return 0;
    } catch (const Error& error) {
        std::fputs(tapline::render_error("tapline-bench", error).c_str(), stderr);
        return tapline::exit_code(error.kind());
    } catch (const std::exception& error) {
        std::fputs(fmt::format("tapline-bench: {}\n", error.what()).c_str(), stderr);
        return 1;
    }
}
