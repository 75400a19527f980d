#include "common/revision/file.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "common/revision/digest.hpp"
#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

/// Message of the syntax error that the sample gives after one replacement.
std::string complaint(std::string_view from, std::string_view to) {
    const std::string text = replaced(std::string(sample::postgres_text), from, to);
    const auto error = sample::error_of([&] { return sample::postgres(text); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::usage);
    CHECK(error->code() == "revision_syntax");
    CHECK_FALSE(error->hint().empty());
    return error->what();
}

}  // namespace

TEST_CASE("Every header of a revision file is read") {
    const Revision revision = sample::postgres();
    CHECK(revision.id == "t0002_settle");
    CHECK(revision.slug == "money");
    CHECK(revision.message == "settle in one function");
    CHECK(revision.revises == std::vector<std::string>{"t0001_receipts"});
    CHECK(revision.create_date == "2026-11-20");
    CHECK(revision.phase == Phase::contract);
    CHECK(revision.requires_journal == "j0003");
    CHECK(revision.branch_labels == std::vector<std::string>{"money", "beer"});
    CHECK(revision.depends_on == std::vector<std::string>{"0001_m1_baseline"});
    CHECK_FALSE(revision.irreversible);
    CHECK(revision.file == "t0002_settle_money.sql");
    CHECK(revision.line == 3);
    CHECK(sample::sqlite().requires_central == "t0001_receipts");
    CHECK(sample::sqlite().slug.empty());
}

TEST_CASE("The message falls back on the file name and the phase on expand") {
    const Revision revision =
        parse({"abcd_add_a_tail.sql", sample::file("").bytes}, Dialect::sqlite);
    CHECK(revision.message == "add a tail");
    CHECK(revision.phase == Phase::expand);
    CHECK(revision.revises.empty());
    CHECK(revision.upgrade.statements.empty());
}

TEST_CASE("A byte order mark and CRLF change nothing") {
    std::string text = "\xEF\xBB\xBF";
    for (const char c : sample::postgres_text) {
        text += c == '\n' ? "\r\n" : std::string(1, c);
    }
    const Revision plain = sample::postgres();
    const Revision windows = sample::postgres(text);
    CHECK(windows.message == plain.message);
    CHECK(windows.upgrade.raw == plain.upgrade.raw);
    CHECK(digest(windows) == digest(plain));
}

TEST_CASE("Bytes that aren't text are refused with their line") {
    CHECK(
        complaint("a;b", "a\xFF") ==
        "t0002_settle_money.sql:17: expected UTF-8; the line has bytes that aren't"
    );
    CHECK(
        complaint("a;b", std::string_view("a\0b", 3)).find(":17: expected text") !=
        std::string::npos
    );
    CHECK(complaint("a;b", "a\rb").find("CR without its LF") != std::string::npos);
    for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
        CHECK(complaint("a;b", bad).find("UTF-8") != std::string::npos);
    }
    CHECK_NOTHROW(sample::postgres(replaced(std::string(sample::postgres_text), "a;b", "Kölsch €🍺"))
    );
}

TEST_CASE("A file that doesn't parse names file, line and what was expected") {
    CHECK(
        complaint("-- Phase: contract", "-- Phase: contrast") ==
        "t0002_settle_money.sql:6: expected 'Phase:' expand, migrate or contract; found 'contrast'"
    );
    CHECK(
        complaint("Phase:", "Phaze:").find(":6: expected one of the headers") != std::string::npos
    );
    CHECK(
        complaint("-- Phase: contract", "-- Phase: expand")
            .find(":7: expected 'Requires Journal' in") != std::string::npos
    );
    CHECK(
        complaint("Revision ID: t0002_settle", "Revision ID: t00").find(":3:") != std::string::npos
    );
    CHECK(
        complaint("Revision ID: t0002_settle", "Revision ID: heads").find("found 'heads'") !=
        std::string::npos
    );
    CHECK(
        complaint("Revision ID: t0002_settle", "Revision ID: t0003_settle")
            .find("name to be t0003_settle.sql") != std::string::npos
    );
    CHECK(
        complaint("Revision ID: t0002_settle", "Revision ID:").find("found nothing") !=
        std::string::npos
    );
    CHECK(complaint("-- Revises: t0001_receipts\n", "").find("'-- Revises:'") != std::string::npos);
    CHECK(
        complaint("Revises: t0001_receipts", "Revises: aaaa, aaaa").find(":4:") != std::string::npos
    );
    CHECK(
        complaint("Revises: t0001_receipts", "Revises: aaaa,").find("found ''") != std::string::npos
    );
    CHECK(
        complaint("-- Phase: contract", "-- Revises: abcd").find("second time") != std::string::npos
    );
    CHECK(
        complaint("-- Prose", "SELECT").find(":11: expected '-- tapline: upgrade' before") !=
        std::string::npos
    );
    CHECK(
        complaint("-- tapline: upgrade", "-- tapline: upgrad").find("found 'upgrad'") !=
        std::string::npos
    );
    CHECK(
        complaint("-- tapline: downgrade", "-- tapline: upgrade").find("found another 'upgrade'") !=
        std::string::npos
    );
    CHECK(
        complaint("-- tapline: downgrade", "-- later").find("'-- tapline: downgrade', or") !=
        std::string::npos
    );
    CHECK(
        complaint("END $body$;", "END;").find(":15: expected the end of a $tag$ string") !=
        std::string::npos
    );
    CHECK(
        complaint("-- Requires Journal: j0003", "-- Requires Central: j0003").find("SQLite") !=
        std::string::npos
    );
}

TEST_CASE("A revision says how it goes back, or why it can't") {
    const std::string text(sample::file("SELECT 1;", "-- Irreversible: data is gone\n").bytes);
    CHECK(parse({"abcd.sql", text}, Dialect::postgres).irreversible == "data is gone");
    const auto both = [&] { return parse({"abcd.sql", text + "SELECT 2;"}, Dialect::postgres); };
    CHECK(sample::code_of(both) == "revision_syntax");
    const std::string one_way = text.substr(0, text.find("-- tapline: downgrade"));
    CHECK(parse({"abcd.sql", one_way}, Dialect::postgres).downgrade.line == 0);
}

TEST_CASE("Every prefix of a valid file parses or gives a syntax error") {
    const auto judge = [](std::string_view text, Dialect dialect, const char* name) {
        int parsed = 0;
        for (std::size_t size = 0; size <= text.size(); ++size) {
            const SourceFile file{name, std::string(text.substr(0, size))};
            const std::string code = sample::code_of([&] { return parse(file, dialect); });
            INFO(file.bytes);
            REQUIRE((code == "no error" || code == "revision_syntax"));
            parsed += code == "no error" ? 1 : 0;
        }
        CHECK(parsed > 0);
    };
    judge(sample::sqlite_text, Dialect::sqlite, "gen8_tail.sql");
    judge(sample::postgres_text, Dialect::postgres, "t0002_settle_money.sql");
}

TEST_CASE("A file beyond the limit is refused before it is read") {
    const SourceFile large{"abcd.sql", std::string(max_file_bytes + 1, ' ')};
    CHECK(sample::code_of([&] { return parse(large, Dialect::sqlite); }) == "revision_syntax");
    const SourceFile at_limit{"abcd.sql", std::string(max_file_bytes, '-')};
    CHECK(sample::code_of([&] { return parse(at_limit, Dialect::sqlite); }) == "revision_syntax");
}
