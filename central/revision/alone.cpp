#include "central/revision/alone.hpp"

#include <memory>
#include <optional>

#include <pg_query.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace tapline::revision {

namespace {

using nlohmann::json;
using Found = std::optional<AloneStatement>;

constexpr const char* closed_list =
    "CREATE INDEX CONCURRENTLY name, DROP INDEX CONCURRENTLY, REINDEX (CONCURRENTLY) INDEX or "
    "TABLE, "
    "ALTER TABLE … DETACH PARTITION … CONCURRENTLY, ALTER TYPE … ADD VALUE IF NOT EXISTS, ALTER "
    "TABLE … "
    "VALIDATE CONSTRAINT, VACUUM, ANALYZE and batch steps";

std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) {
        text += c == '"' ? "\"\"" : std::string(1, c);
    }
    return text + "\"";
}

std::string relation_name(const json& range) {
    const std::string schema = range.value("schemaname", "");
    return (schema.empty() ? "" : quoted(schema) + ".") + quoted(range.at("relname"));
}

std::string dotted_name(const json& strings) {
    std::string name;
    for (const json& part : strings) {
        name += (name.empty() ? "" : ".") + quoted(part.at("String").at("sval"));
    }
    return name;
}

Found read_create_index(const json& node) {
    const std::string name = node.value("idxname", "");
    if (!node.value("concurrent", false) || name.empty()) {
        return std::nullopt;
    }
    return AloneStatement{
        AloneKind::create_index, relation_name(node.at("relation")), name, std::string{}};
}

Found read_drop(const json& node) {
    const bool one_index = node.value("removeType", "") == "OBJECT_INDEX" &&
                           node.value("concurrent", false) && node.at("objects").size() == 1;
    if (!one_index) {
        return std::nullopt;
    }
    const json& items = node.at("objects").front().at("List").at("items");
    return AloneStatement{AloneKind::drop_index, dotted_name(items), {}, {}};
}

Found read_reindex(const json& node) {
    bool concurrently = false;
    for (const json& option : node.value("params", json::array())) {
        concurrently = concurrently || option.at("DefElem").value("defname", "") == "concurrently";
    }
    const std::string kind = node.value("kind", "");
    if (!concurrently || (kind != "REINDEX_OBJECT_INDEX" && kind != "REINDEX_OBJECT_TABLE")) {
        return std::nullopt;
    }
    const AloneKind alone =
        kind == "REINDEX_OBJECT_INDEX" ? AloneKind::reindex_index : AloneKind::reindex_table;
    return AloneStatement{alone, relation_name(node.at("relation")), {}, {}};
}

Found read_alter_table(const json& node) {
    if (node.at("cmds").size() != 1 || !node.contains("relation")) {
        return std::nullopt;
    }
    const json& command = node.at("cmds").front().at("AlterTableCmd");
    const std::string subtype = command.value("subtype", "");
    const std::string table = relation_name(node.at("relation"));
    if (subtype == "AT_ValidateConstraint") {
        return AloneStatement{
            AloneKind::validate_constraint, table, command.value("name", ""), std::string{}};
    }
    if (subtype != "AT_DetachPartition") {
        return std::nullopt;
    }
    const json& partition = command.at("def").at("PartitionCmd");
    if (!partition.value("concurrent", false)) {
        return std::nullopt;
    }
    return AloneStatement{
        AloneKind::detach_partition,
        table,
        partition.at("name").at("relname"),
        relation_name(partition.at("name"))};
}

Found read_enum(const json& node) {
    if (!node.value("skipIfNewValExists", false) || !node.contains("newVal")) {
        return std::nullopt;
    }
    return AloneStatement{
        AloneKind::add_enum_value, dotted_name(node.at("typeName")), node.at("newVal"), {}};
}

Found read_node(const json& statement) {
    const auto kind = statement.begin();
    if (kind.key() == "IndexStmt") {
        return read_create_index(*kind);
    }
    if (kind.key() == "DropStmt") {
        return read_drop(*kind);
    }
    if (kind.key() == "ReindexStmt") {
        return read_reindex(*kind);
    }
    if (kind.key() == "AlterTableStmt") {
        return read_alter_table(*kind);
    }
    if (kind.key() == "AlterEnumStmt") {
        return read_enum(*kind);
    }
    if (kind.key() == "VacuumStmt") {
        const bool vacuum = kind->value("is_vacuumcmd", false);
        return AloneStatement{vacuum ? AloneKind::vacuum : AloneKind::analyze, {}, {}, {}};
    }
    return std::nullopt;
}

}  // namespace

std::optional<AloneStatement> find_alone(const std::string& sql) {
    const std::unique_ptr<PgQueryParseResult, void (*)(PgQueryParseResult*)> result(
        new PgQueryParseResult(pg_query_parse(sql.c_str())),
        [](PgQueryParseResult* parsed) {
            pg_query_free_parse_result(*parsed);
            delete parsed;
        }
    );
    if (result->error != nullptr) {
        return std::nullopt;  // PostgreSQL's own words come when it runs, or the list below
    }
    const json tree = json::parse(result->parse_tree);
    const json& statements = tree.at("stmts");
    return statements.size() == 1 ? read_node(statements.front().at("stmt")) : std::nullopt;
}

AloneStatement read_alone(const Revision& revision, const Statement& statement) {
    Found found = find_alone(statement.text);
    if (!found) {
        throw Error(
            ErrorKind::usage,
            "not_alone",
            fmt::format(
                "{} line {}: transaction=off doesn't take this statement: nothing would tell after "
                "a crash "
                "whether it happened",
                revision.file,
                statement.line
            ),
            fmt::format("it takes {}; put everything else into a revision of its own", closed_list)
        );
    }
    return std::move(*found);
}

std::vector<Piece> pieces_of(const Revision& revision, Direction direction) {
    const Section& section = revision.section(direction);
    std::vector<Piece> pieces;
    auto batch = section.batches.begin();
    for (std::size_t i = 0; i < section.statements.size(); ++i) {
        Piece piece;
        piece.first = i;
        piece.end = i + 1;
        if (batch != section.batches.end() && batch->statement == i) {
            piece.kind = Piece::Kind::batch;
            piece.batch = &*batch++;
        } else if (!section.transaction) {
            piece.kind = Piece::Kind::alone;
            piece.alone = read_alone(revision, section.statements[i]);
        } else if (!pieces.empty() && pieces.back().kind == Piece::Kind::together) {
            pieces.back().end = i + 1;
            continue;
        }
        pieces.push_back(std::move(piece));
    }
    if (pieces.empty()) {
        pieces.push_back(Piece{});
    }
    return pieces;
}

}  // namespace tapline::revision
