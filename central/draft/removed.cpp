// What is gone on the wanted side: never dropped, always asked about.
#include <fmt/format.h>

#include "central/draft/builder.hpp"

namespace tapline::draft {

namespace {

std::string table_drop(const Word& word) {
    return fmt::format(
        "ALTER TABLE {} DROP {} {};",
        word.sql(),
        word.part_kind == "column" ? "COLUMN" : "CONSTRAINT",
        identifier(word.part)
    );
}

std::string advice(const Word& word) {
    if (word.part_kind == "column" || word.kind == "table") {
        return "it isn't wanted any more, and what it holds would be lost: decide whether it may "
               "go, "
               "who still reads it, and drop it in a later revision of Phase: contract";
    }
    if (word.part_kind == "constraint" || word.part_kind == "trigger" ||
        word.part_kind == "policy") {
        return "it isn't wanted any more: decide whether what it refuses may come in from now on";
    }
    if (word.kind == "index") {
        return "it isn't wanted any more: decide whether no query needs it; DROP INDEX "
               "CONCURRENTLY, in "
               "a revision with transaction=off, holds nobody up";
    }
    return "it isn't wanted any more: decide whether nobody uses it";
}

}  // namespace

std::string drop_sql(const std::string& object) {
    const Word word = read_word(object);
    if (word.part_kind == "column" || word.part_kind == "constraint") {
        return table_drop(word);
    }
    constexpr std::string_view known =
        " schema extension type domain collation sequence table view materialized view index "
        "function procedure aggregate statistics publication event trigger foreign table server ";
    if (word.part_kind.empty() && known.find(" " + word.kind + " ") == std::string_view::npos) {
        return {};
    }
    return "DROP " + spoken(word) + ";";
}

void Builder::removed(const catalog::Finding& finding) {
    const Word word = read_word(finding.object);
    propose(finding.object, drop_sql(finding.object), "", advice(word));
}

}  // namespace tapline::draft
