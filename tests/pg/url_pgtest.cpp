#include <map>

#include <catch2/catch.hpp>

#include "central/pg/url.hpp"
#include "common/error.hpp"

namespace tapline::test {

namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
    return [variables = std::move(variables)](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

struct Expected {
    std::string hosts;  ///< name:port, comma
    std::string user;
    std::string password;
    std::string database;
};

struct Case {
    const char* claim;
    Variables variables;
    Expected expected;
};

std::string hosts_of(const pg::DatabaseUrl& url) {
    std::string text;
    for (const pg::Host& host : url.hosts) {
        text += (text.empty() ? "" : ",") + host.name + ":" + host.port;
    }
    return text;
}

const Case cases[] = {
    {"DATABASE_URL alone",
     {{"DATABASE_URL", "postgresql://beer:secret@db:5433/beer_db"}},
     {"db:5433", "beer", "secret", "beer_db"}},
    {"port and password left out",
     {{"DATABASE_URL", "postgres://beer@db/beer_db"}},
     {"db:5432", "beer", "", "beer_db"}},
    {"percent signs are decoded as libpq does",
     {{"DATABASE_URL", "postgresql://beer:a%25b%40c%3Ad%2Fe%27f%22@db/beer_db"}},
     {"db:5432", "beer", "a%b@c:d/e'f\"", "beer_db"}},
    {"several hosts",
     {{"DATABASE_URL", "postgresql://beer:s@h1:5432,h2,h3:6000/d?target_session_attrs=read-write"}},
     {"h1:5432,h2:5432,h3:6000", "beer", "s", "d"}},
    {"an IPv6 address",
     {{"DATABASE_URL", "postgresql://beer@[::1]:5433/d"}},
     {"::1:5433", "beer", "", "d"}},
    {"SQLAlchemy's driver in the scheme",
     {{"DATABASE_URL", "postgresql+psycopg2://beer:s@db/d"}},
     {"db:5432", "beer", "s", "d"}},
    {"double quotes around the value",
     {{"DATABASE_URL", "\"postgresql://beer:s@db/d\""}},
     {"db:5432", "beer", "s", "d"}},
    {"single quotes and a carriage return around the value",
     {{"DATABASE_URL", "'postgresql://beer:s@db/d'\r"}},
     {"db:5432", "beer", "s", "d"}},
    {"key=value form",
     {{"DATABASE_URL", "host=db port=5433 user=beer password='it\\'s' dbname=d"}},
     {"db:5433", "beer", "it's", "d"}},
    {"a socket directory",
     {{"DATABASE_URL", "postgresql://beer@%2Frun%2Fpostgresql:5432/d"}},
     {"/run/postgresql:5432", "beer", "", "d"}},
    {"POSTGRES_* alone, with defaults for host, port and database",
     {{"POSTGRES_USER", "beer"}, {"POSTGRES_PASSWORD", "secret"}},
     {"postgres:5432", "beer", "secret", "beer"}},
    {"POSTGRES_* alone, all of them",
     {{"POSTGRES_USER", "beer"},
      {"POSTGRES_PASSWORD", "p%@:/'\"?# \\"},
      {"POSTGRES_HOST", "db"},
      {"POSTGRES_PORT", "5433"},
      {"POSTGRES_DB", "beer_tap_db"}},
     {"db:5433", "beer", "p%@:/'\"?# \\", "beer_tap_db"}},
    {"POSTGRES_* quoted",
     {{"POSTGRES_USER", "'beer'"}, {"POSTGRES_PASSWORD", "\"se cret\""}, {"POSTGRES_DB", "'d'"}},
     {"postgres:5432", "beer", "se cret", "d"}},
    {"POSTGRES_HOST with several hosts",
     {{"POSTGRES_HOST", "h1:5433,h2"}, {"POSTGRES_USER", "beer"}, {"POSTGRES_PORT", "6000"}},
     {"h1:5433,h2:6000", "beer", "", "beer"}},
    {"POSTGRES_HOST as a socket directory",
     {{"POSTGRES_HOST", "/run/postgresql"}, {"POSTGRES_USER", "beer"}},
     {"/run/postgresql:5432", "beer", "", "beer"}},
    {"both, and equal",
     {{"DATABASE_URL", "postgresql://beer:s%40t@db:5432/d"},
      {"POSTGRES_USER", "beer"},
      {"POSTGRES_PASSWORD", "s@t"},
      {"POSTGRES_HOST", "db"},
      {"POSTGRES_PORT", "5432"},
      {"POSTGRES_DB", "d"}},
     {"db:5432", "beer", "s@t", "d"}},
    {"both, and what POSTGRES_* leave out is DATABASE_URL's",
     {{"DATABASE_URL", "postgresql://beer:s@localhost:5433/d"},
      {"POSTGRES_USER", "beer"},
      {"POSTGRES_PASSWORD", "s"},
      {"POSTGRES_DB", "d"}},
     {"localhost:5433", "beer", "s", "d"}},
    {"an empty DATABASE_URL is an unset one",
     {{"DATABASE_URL", "  \"\" "}, {"POSTGRES_USER", "beer"}},
     {"postgres:5432", "beer", "", "beer"}},
};

const Variables conflicts[] = {
    {{"DATABASE_URL", "postgresql://beer:geheim@db/d"}, {"POSTGRES_USER", "wine"}},
    {{"DATABASE_URL", "postgresql://beer:geheim@db/d"}, {"POSTGRES_PASSWORD", "verraten"}},
    {{"DATABASE_URL", "postgresql://beer:geheim@db/d"}, {"POSTGRES_HOST", "db2"}},
    {{"DATABASE_URL", "postgresql://beer:geheim@db/d"}, {"POSTGRES_PORT", "5433"}},
    {{"DATABASE_URL", "postgresql://beer:geheim@db/d"}, {"POSTGRES_DB", "e"}},
    {{"DATABASE_URL", "postgresql://beer:geheim@h1,h2/d"}, {"POSTGRES_HOST", "h1"}},
};

const std::string unreadable[] = {
    "mysql://beer:geheim@db/d",
    "postgresql://beer:geh%zzeim@db/d",
    "postgresql://beer:gehe@im@db/d",
    "postgresql://beer:geheim@db:http/d",
    "geheim",
};

}  // namespace

TEST_CASE("Url.EnvironmentContract") {
    for (const Case& one : cases) {
        INFO(one.claim);
        const auto url = pg::database_url_from(environment(one.variables));
        REQUIRE(url);
        CHECK(hosts_of(*url) == one.expected.hosts);
        CHECK(url->user == one.expected.user);
        CHECK(url->password == one.expected.password);
        CHECK(url->database == one.expected.database);
        // What goes to libpq means the same once more, and what people see has no secret.
        const pg::DatabaseUrl again = pg::parse_database_url(url->url, "again");
        CHECK(hosts_of(again) == one.expected.hosts);
        CHECK(again.user == one.expected.user);
        CHECK(again.password == one.expected.password);
        CHECK(again.database == one.expected.database);
        if (!url->password.empty()) {
            CHECK(url->masked.find(":***@") != std::string::npos);
            CHECK(url->masked.find(":" + url->password + "@") == std::string::npos);
        }
    }
}

TEST_CASE("Url.NothingSetIsNoDatabase") {
    CHECK_FALSE(pg::database_url_from(environment({})));
    CHECK_FALSE(pg::database_url_from(environment({{"DATABASE_URL", ""}, {"POSTGRES_DB", "''"}})));
}

TEST_CASE("Url.DisagreementIsAUsageErrorThatShowsBothMasked") {
    for (const Variables& variables : conflicts) {
        try {
            (void)pg::database_url_from(environment(variables));
            FAIL("no error for " + variables.rbegin()->first);
        } catch (const Error& error) {
            const std::string text = error.what();
            CHECK(error.code() == "database_url_conflict");
            CHECK(exit_code(error.kind()) == 2);
            CHECK(text.find("postgresql://beer:***@") != std::string::npos);
            CHECK(text.find("POSTGRES_*") != std::string::npos);
            CHECK(text.find("geheim") == std::string::npos);
            CHECK(text.find("verraten") == std::string::npos);
        }
    }
}

TEST_CASE("Url.WhatCannotBeReadIsRefusedWithoutShowingThePassword") {
    for (const std::string& text : unreadable) {
        INFO(text);
        try {
            (void)pg::database_url_from(environment({{"DATABASE_URL", text}}));
            FAIL("no error");
        } catch (const Error& error) {
            CHECK(error.code() == "database_url");
            CHECK(std::string(error.what()).find("geh") == std::string::npos);
        }
    }
    CHECK_THROWS_AS(
        pg::database_url_from(environment({{"POSTGRES_USER", "b"}, {"POSTGRES_PORT", "http"}})),
        Error
    );
}

TEST_CASE("Url.AFlagMayNotCarryAPassword") {
    CHECK(pg::database_url_from_flag("postgresql://beer@db/d").user == "beer");
    for (const char* text : {"postgresql://beer:s@db/d", "postgresql://beer@db/d?password=s"}) {
        try {
            (void)pg::database_url_from_flag(text);
            FAIL("no error");
        } catch (const Error& error) {
            CHECK(error.code() == "secret_in_arguments");
            CHECK(exit_code(error.kind()) == 2);
        }
    }
}

}  // namespace tapline::test
