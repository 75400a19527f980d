// Pairs of schemas that chance makes: whatever the difference, the draft is sound.
#include <cstdlib>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/draft/name.hpp"
#include "tests/pg/draft/lab.hpp"

namespace tapline::test {

namespace {

using draft::identifier;
using draft::literal;

class Chance {
  public:
    explicit Chance(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
    }

    bool one_in(std::size_t count) { return below(count) == 0; }

    template <std::size_t N>
    std::string of(const char* const (&list)[N]) {
        return list[below(N)];
    }

  private:
    std::mt19937 random_;
};

constexpr const char* tables[] = {"guests", "Pours", "select", "a\"b", "kegs", "it's"};
constexpr const char* columns[] = {"name", "Level", "order", "x y", "ml", "at", "between", "q\"u"};
constexpr const char* types[] = {
    "integer",
    "text",
    "varchar(20)",
    "boolean",
    "numeric(8,2)",
    "timestamptz",
    "mood",
    "jsonb",
    "integer[]",
    "vol"};
constexpr const char* defaults[] = {
    "DEFAULT NULL", "NOT NULL", "", "", "", "DEFAULT 1", "DEFAULT 'ok'", "DEFAULT now()"};
constexpr const char* words[] = {
    "plain", "it's", "back\\slash", "two\nlines", "-- tapline: upgrade", "$$"};

std::string new_table(Chance& chance, const std::string& table) {
    std::string sql = "CREATE TABLE " + identifier(table) + " (";
    sql += chance.one_in(3) ? "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
                            : "id integer PRIMARY KEY";
    for (const char* column : columns) {
        if (chance.one_in(2)) {
            // Without a default: not each fits each type, and a statement that fails makes nothing.
            sql += fmt::format(
                ", {} {}{}",
                identifier(column),
                chance.of(types),
                chance.one_in(4) ? " NOT NULL" : ""
            );
        }
    }
    return sql + ");;";
}

/// One thing that a developer might do.
std::string change(Chance& chance, int number) {
    const std::string table = identifier(chance.of(tables));
    const std::string column = identifier(chance.of(columns));
    const std::string other = identifier(chance.of(tables));
    const std::string alter = "ALTER TABLE " + table + " ";
    switch (chance.below(24)) {
        case 0:
            return new_table(chance, chance.of(tables));
        case 1:
            return fmt::format("DROP TABLE {} CASCADE;;", table);
        case 2:
        case 3:
        case 4:
            return fmt::format(
                "{}ADD {} {} {};;", alter, column, chance.of(types), chance.of(defaults)
            );
        case 5:
            return fmt::format("{}DROP COLUMN {} CASCADE;;", alter, column);
        case 6:
            return fmt::format(
                "{}RENAME COLUMN {} TO {};;", alter, column, identifier(chance.of(columns))
            );
        case 7:
            return fmt::format("{}RENAME TO {};;", alter, other);
        case 8:
            return fmt::format("{}ALTER {} TYPE text;;", alter, column);
        case 9:
            return fmt::format("{}ALTER {} SET NOT NULL;;", alter, column);
        case 10:
            return fmt::format("{}ALTER {} SET DEFAULT 1;;", alter, column);
        case 11:
        case 12:
            return fmt::format(
                "CREATE {}INDEX ON {} ({}){};;",
                chance.one_in(3) ? "UNIQUE " : "",
                table,
                column,
                chance.one_in(3) ? " WHERE id > 3" : ""
            );
        case 13:
            return fmt::format("{}ADD CONSTRAINT u{} UNIQUE ({});;", alter, number, column);
        case 14:
            return fmt::format("{}ADD CHECK ({} IS NOT NULL OR id > {});;", alter, column, number);
        case 15:
        case 16:
            return fmt::format("{}ADD up{} integer REFERENCES {};;", alter, number, other);
        case 17:
            return fmt::format("CREATE VIEW v{} AS SELECT id, {} FROM {};;", number, column, table);
        case 18:
            return fmt::format(
                "COMMENT ON COLUMN {}.{} IS {};;", table, column, literal(chance.of(words))
            );
        case 19:
            return fmt::format(
                "CREATE FUNCTION f{}(a {}) RETURNS text LANGUAGE plpgsql AS {};;",
                number,
                table,
                literal("BEGIN RETURN " + literal(chance.of(words)) + "; END")
            );
        case 20:
            return fmt::format(
                "ALTER TYPE mood ADD VALUE {} BEFORE 'ok';;",
                literal(fmt::format("{}{}", chance.of(words), number))
            );
        case 21:
            return fmt::format(
                "CREATE TRIGGER t{} AFTER INSERT ON {} FOR EACH ROW EXECUTE FUNCTION note();;",
                number,
                table
            );
        case 22:
            return fmt::format("{}ADD nr{} serial;;", alter, number);
        default:
            return fmt::format(
                "DROP VIEW v{};;", chance.below(static_cast<std::size_t>(number) + 1)
            );
    }
}

std::string first_schema(Chance& chance) {
    std::string sql =
        "CREATE TYPE mood AS ENUM ('sad', 'ok');; CREATE DOMAIN vol AS integer CHECK (VALUE >= "
        "0);; CREATE "
        "FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;;";
    for (const char* table : tables) {
        sql += chance.one_in(2) ? new_table(chance, table) : "";
    }
    return sql;
}

std::string in_one(std::string sql) {
    for (std::size_t at = sql.find(";;"); at != std::string::npos; at = sql.find(";;", at)) {
        sql.erase(at, 1);
    }
    return sql;
}

unsigned first_seed() {
    const char* const given = std::getenv("TAPLINE_TEST_SEED");
    return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
}

}  // namespace

TEST_CASE("Draft.IsSoundForSchemasThatChanceMakes") {
    const unsigned first = first_seed();
    const char* const count = std::getenv("TAPLINE_TEST_PAIRS");
    const int pairs = count != nullptr ? std::atoi(count) : 10;
    for (unsigned seed = first; seed < first + static_cast<unsigned>(pairs); ++seed) {
        std::cout << "TAPLINE_TEST_SEED=" << seed << std::endl;
        Chance chance(seed);
        const std::string head = in_one(first_schema(chance));
        std::string changes;
        for (int i = 0; i < 14; ++i) {
            changes += change(chance, i);
        }
        INFO("TAPLINE_TEST_SEED=" << seed << "\n" << head << "\n" << changes);
        try {
            check_sound(draft_of(head, changes, true));
        } catch (const std::exception& error) {
            FAIL_CHECK(error.what());
        }
    }
}

}  // namespace tapline::test
