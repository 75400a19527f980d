#include "tests/pg/catalog/rich.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

#include <fmt/format.h>

#include "central/catalog/finding_json.hpp"
#include "central/catalog/read.hpp"
#include "central/pg/process.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;

std::string fresh_name() {
    static int count = 0;
    return fmt::format("catalog_{}_{}", getpid(), ++count);
}

std::string file_text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void run_program(std::vector<std::string> arguments, const fs::path& log) {
    arguments[0] = (pg::postgres_programs() / arguments[0]).string();
    if (pg::run({arguments, log, SIGKILL}, pg::postgres_account()) != 0) {
        throw std::runtime_error(arguments[0] + " failed: " + file_text(log));
    }
}

}  // namespace

void run_file(const std::string& database, const std::string& name) {
    PgCluster::shared().connect(database).run(file_text(fs::path(TAPLINE_CATALOG_TESTS) / name));
}

const std::string& rich_database() {
    static const std::string name = [] {
        std::string fresh = fresh_name();
        PgCluster& cluster = PgCluster::shared();
        pg::Session session = cluster.connect("postgres");
        session.run("CREATE ROLE cat_alice; CREATE ROLE cat_bob");
        session.run("CREATE DATABASE " + fresh + " TEMPLATE template0");
        run_file(fresh, "rich_schema.sql");
        return fresh;
    }();
    return name;
}

const catalog::Catalog& rich_catalog() {
    static const catalog::Catalog whole = read(rich_database());
    return whole;
}

CopyOf::CopyOf(const std::string& source) : name_(fresh_name()) {
    PgCluster::shared()
        .connect("postgres")
        .run(fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, source));
}

CopyOf::~CopyOf() {
    try {
        PgCluster::shared()
            .connect("postgres")
            .run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    } catch (const std::exception& error) {
        fmt::print(stderr, "{} stays behind: {}\n", name_, error.what());
    }
}

catalog::Catalog read(const std::string& database) {
    return catalog::read_catalog(
        {.url = PgCluster::shared().url(database), .application_name = "test"}
    );
}

void dump_and_restore(
    const std::string& source, const std::string& target, const std::vector<std::string>& options
) {
    const std::string url = PgCluster::shared().url(source);
    const pg::Account account = pg::postgres_account();
    const fs::path directory = fs::temp_directory_path() / ("tapline-dump-" + target);
    fs::create_directories(directory);
    if (chown(directory.c_str(), account.uid, account.gid) != 0) {
        throw std::runtime_error("can't give away " + directory.string());
    }
    const fs::path file = directory / "dump.sql";
    std::vector<std::string> dump{"pg_dump", "--file=" + file.string(), "--dbname=" + url};
    dump.insert(dump.end(), options.begin(), options.end());
    run_program(dump, directory / "log");
    run_program(
        {"psql",
         "-X",
         "-q",
         "-v",
         "ON_ERROR_STOP=1",
         "--dbname=" + PgCluster::shared().url(target),
         "--file=" + file.string()},
        directory / "log"
    );
    fs::remove_all(directory);
}

std::string shown(const std::vector<catalog::Finding>& findings) {
    return catalog::findings_text(findings);
}

}  // namespace tapline::test
