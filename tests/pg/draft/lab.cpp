#include "tests/pg/draft/lab.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/catalog/finding_json.hpp"
#include "central/catalog/read.hpp"
#include "central/cli/context.hpp"
#include "central/draft/draft.hpp"
#include "central/draft/name.hpp"
#include "central/lint/node.hpp"
#include "common/error.hpp"
#include "common/revision/file.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Redirect {
  public:
    Redirect() : out_(std::cout.rdbuf(out.rdbuf())), err_(std::cerr.rdbuf(err.rdbuf())) {}

    ~Redirect() {
        std::cout.rdbuf(out_);
        std::cerr.rdbuf(err_);
    }

    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

    std::ostringstream out;
    std::ostringstream err;

  private:
    std::streambuf* out_;
    std::streambuf* err_;
};

/// migrations/app with the one revision that exists.
class Directory {
  public:
    explicit Directory(const std::string& head) {
        static int count = 0;
        path_ = fs::temp_directory_path() / fmt::format("tapline-draft-{}-{}", getpid(), ++count);
        fs::create_directories(path_ / "app");
        std::ofstream(path_ / "app/0001_head.sql", std::ios::binary)
            << "-- head\n-- Revision ID: 0001\n-- Revises:\n-- Create Date: 2026-01-01\n"
            << "-- Irreversible: the test needs no way\n\n-- tapline: upgrade\n"
            << head << "\n";
    }

    ~Directory() { fs::remove_all(path_); }

    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    [[nodiscard]] std::string name() const { return path_.string(); }

  private:
    fs::path path_;
};

Outcome need(std::vector<std::string> arguments, const std::string& url) {
    const std::string shown = fmt::format("{}", fmt::join(arguments, " "));
    Outcome outcome = run_central(std::move(arguments), url);
    if (outcome.code != 0) {
        throw std::runtime_error(
            fmt::format("{} ended with {}: {}{}", shown, outcome.code, outcome.out, outcome.err)
        );
    }
    return outcome;
}

void upgrade(const Directory& directory, const TestDatabase& database, const std::string& target) {
    need({"upgrade", target, "--lineage", "app", "--dir", directory.name()}, database.url());
}

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

catalog::Catalog catalog_of(const TestDatabase& database) {
    catalog::Catalog whole =
        catalog::read_catalog({.url = database.url(), .application_name = "test"});
    catalog::Catalog app = catalog::split(std::move(whole)).app;
    draft::drop_own_objects(app.objects);
    return app;
}

/// Statements that take something away, as PostgreSQL's own parser reads them.
void collect_drops(const fs::path& file, std::vector<std::string>& drops) {
    const revision::Revision revision =
        revision::parse({file.filename().string(), text_of(file)}, revision::Dialect::postgres);
    for (const revision::Statement& each : revision.upgrade.statements) {
        const lint::Tree tree = lint::Tree::parse(each.text);
        for (const lint::Node statement : tree.statements()) {
            bool takes = statement.is("DropStmt") || statement.is("TruncateStmt") ||
                         statement.is("DropOwnedStmt") || statement.is("RenameStmt");
            lint::walk(statement, [&](std::string_view, lint::Node node) {
                const std::string kind = node["subtype"].text();
                takes = takes || kind.starts_with("AT_Drop") || kind == "AT_AlterColumnType";
                return true;
            });
            if (takes) {
                drops.push_back(each.text);
            }
        }
    }
}

void read_report(const json& report, Drafted& drafted, std::vector<std::string>& paths) {
    for (const json& one : report.at("revisions")) {
        paths.push_back(one.at("file"));
        drafted.files.push_back(text_of(paths.back()));
        for (const json& item : one.at("written")) {
            drafted.written.push_back(item.at("object"));
        }
        for (const json& item : one.at("proposed")) {
            drafted.proposed.push_back(item.at("object"));
            drafted.decide.push_back(item.at("decide"));
        }
        collect_drops(paths.back(), drafted.drops);
        drafted.irreversible = drafted.irreversible ||
                               drafted.files.back().find("-- Irreversible:") != std::string::npos;
    }
    drafted.guarded = drafted.written.empty() && !drafted.proposed.empty();
}

void lint_files(
    const Directory& directory, const std::vector<std::string>& paths, Drafted& drafted
) {
    std::vector<std::string> arguments{
        "lint", "--json", "--before", directory.name() + "/app/0001_head.sql"};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    const Outcome outcome = run_central(arguments, "");
    const json body = json::parse(outcome.out);
    if (!body.contains("findings")) {
        throw std::runtime_error("lint: " + outcome.out + outcome.err);
    }
    for (const json& each : body["findings"]) {
        if (each["severity"] == "block") {
            drafted.blocking.push_back(each.dump());
        }
    }
}

Drafted finish(
    const Directory& directory,
    const TestDatabase& base,
    const Outcome& made,
    const catalog::Catalog& wanted
) {
    Drafted drafted;
    std::vector<std::string> paths;
    read_report(json::parse(made.out), drafted, paths);
    if (paths.empty() || drafted.guarded) {
        return drafted;
    }
    lint_files(directory, paths, drafted);
    upgrade(directory, base, "0001");
    const catalog::Catalog before = catalog_of(base);
    try {
        upgrade(directory, base, "heads");
        drafted.left = catalog::compare(catalog_of(base), wanted);
        if (!drafted.irreversible) {
            need(
                {"downgrade",
                 "0001",
                 "--lineage",
                 "app",
                 "--dir",
                 directory.name(),
                 "--discard-rows"},
                base.url()
            );
            drafted.after_way_back = catalog::compare(before, catalog_of(base));
        }
        if (paths.size() > 1) {
            // Each file by itself comes back as it was.
            need({"verify-migrations", "--lineage", "app", "--dir", directory.name()}, base.url());
        }
    } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("{}\n{}", error.what(), fmt::join(drafted.files, "\n"))
        );
    }
    return drafted;
}

}  // namespace

Outcome run_central(std::vector<std::string> arguments, const std::string& url) {
    arguments.insert(arguments.begin(), "tapline-central");
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    url.empty() ? unsetenv("DATABASE_URL") : setenv("DATABASE_URL", url.c_str(), 1);
    Redirect redirect;
    const int code = cli::run_program(static_cast<int>(argv.size()), argv.data());
    unsetenv("DATABASE_URL");
    return {code, redirect.out.str(), redirect.err.str()};
}

Drafted draft_of(const std::string& head, const std::string& change, bool try_each) {
    const Directory directory(head);
    const TestDatabase developers(TestDatabase::Schema::empty);
    const TestDatabase base(TestDatabase::Schema::empty);
    upgrade(directory, developers, "0001");
    {
        pg::Session session = developers.connect();
        std::size_t at = 0;
        while (at < change.size()) {
            const std::size_t end = std::min(change.find(";;", at), change.size());
            try {
                session.run(change.substr(at, end - at));
            } catch (const Error&) {
                if (!try_each) {
                    throw;
                }
            }
            at = end + 2;
        }
    }
    const Outcome made = need(
        {"revision",
         "-m",
         "drafted",
         "--rev-id",
         "dddd",
         "--autogenerate",
         "--json",
         "--dir",
         directory.name(),
         "--lineage",
         "app"},
        developers.url()
    );
    return finish(directory, base, made, catalog_of(developers));
}

Drafted draft_from(const std::string& head, const std::string& schema) {
    const Directory directory(head);
    const TestDatabase wanted(TestDatabase::Schema::empty);
    const TestDatabase base(TestDatabase::Schema::empty);
    wanted.connect().run(schema);
    const fs::path file = fs::path(directory.name()) / "schema.txt";
    std::ofstream(file, std::ios::binary) << schema;
    const Outcome made = need(
        {"revision",
         "-m",
         "drafted",
         "--rev-id",
         "dddd",
         "--from",
         file.string(),
         "--json",
         "--dir",
         directory.name(),
         "--lineage",
         "app"},
        base.url()
    );
    return finish(directory, base, made, catalog_of(wanted));
}

void check_sound(const Drafted& drafted, bool by_hand) {
    INFO(fmt::format("{}", fmt::join(drafted.files, "\n")));
    CHECK(drafted.blocking == std::vector<std::string>{});
    CHECK(drafted.drops == std::vector<std::string>{});
    for (const std::string& each : by_hand ? std::vector<std::string>{} : drafted.decide) {
        // The trial is there for what nobody thought of; here it must have nothing to do.
        INFO(each);
        // But for a name that only a proposal frees: an index keeps its name when its table gets
        // another.
        CHECK((!each.starts_with("it didn't run") || each.ends_with("already exists")));
        CHECK_FALSE(each.starts_with("the draft doesn't bring about"));
        CHECK_FALSE(each.starts_with("PostgreSQL can't read"));
    }
    for (const catalog::Finding& each : drafted.left) {
        const draft::Word word = draft::read_word(each.object);
        const bool told =
            std::any_of(drafted.proposed.begin(), drafted.proposed.end(), [&](const auto& one) {
                return one == each.object || (!word.part_kind.empty() && one == word.whole());
            });
        INFO(catalog::findings_text({each}));
        CHECK(told);
    }
    INFO(catalog::findings_text(drafted.after_way_back));
    CHECK(drafted.after_way_back.empty());
}

}  // namespace tapline::test
