#include "central/import/rendered.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "central/lint/node.hpp"
#include "central/revision/alone.hpp"
#include "common/log.hpp"
#include "common/revision/split.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::alembic {

namespace {

using lint::Node;
using revision::Direction;
using revision::Token;
using revision::TokenKind;

constexpr std::string_view upgrade_line = "-- Running upgrade ";
constexpr std::string_view downgrade_line = "-- Running downgrade ";
constexpr std::string_view arrow = " -> ";
constexpr std::string_view version_table = "alembic_version";
constexpr std::size_t shown_bytes = 60;

/// The step that a comment line begins; the id stands right of the arrow in an upgrade, left of it
/// in a downgrade.
std::optional<StepName> step_of(const Token& token, const revision::IdSet& ids) {
    if (token.kind != TokenKind::line_comment) {
        return std::nullopt;
    }
    const bool up = token.text.starts_with(upgrade_line);
    if (!up && !token.text.starts_with(downgrade_line)) {
        return std::nullopt;
    }
    std::string_view rest = token.text.substr(up ? upgrade_line.size() : downgrade_line.size());
    const std::size_t at = rest.find(arrow);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view id = up ? rest.substr(at + arrow.size()) : rest.substr(0, at);
    id = id.substr(0, id.find_first_of(" ,\r"));
    if (!ids.contains(id)) {
        return std::nullopt;
    }
    return StepName{up ? Direction::upgrade : Direction::downgrade, std::string(id)};
}

constexpr int outside = 0;

enum class Control { none, begin, end };

struct Parsed {
    std::string text;
    int transaction = outside;     ///< which of those that the text begins
    bool bookkeeping = false;      ///< what Alembic does to its version table
    bool touches_version = false;  ///< something else that is done to that table
    bool adds_value = false;  ///< ALTER TYPE … ADD VALUE: no use of it in the same transaction
    bool alone = false;       ///< transaction=off takes it
    std::string never;        ///< PostgreSQL refuses it in a transaction, and so do we outside
};

Control control_of(Node statement) {
    if (!statement.is("TransactionStmt")) {
        return Control::none;
    }
    const std::string kind = statement["kind"].text();
    if (kind == "TRANS_STMT_BEGIN" || kind == "TRANS_STMT_START") {
        return Control::begin;
    }
    return kind == "TRANS_STMT_COMMIT" ? Control::end : Control::none;
}

bool is_version_table(Node range) {
    const std::string schema = range["schemaname"].text();
    return range["relname"].text() == version_table && (schema.empty() || schema == "public");
}

/// All string constants in it are ids of the project, and there is one.
bool names_only(Node statement, const revision::IdSet& ids) {
    bool some = false;
    bool only = true;
    lint::walk(statement, [&](std::string_view key, Node node) {
        if (key == "A_Const") {
            some = true;
            only = only && ids.contains(node["sval"]["sval"].text());
        }
        return true;
    });
    return some && only;
}

bool drops_version_table(Node statement) {
    const std::vector<Node> objects = statement["objects"].items();
    if (!statement.is("DropStmt") || objects.size() != 1 ||
        statement["removeType"].text() != "OBJECT_TABLE") {
        return false;
    }
    const std::vector<std::string> name = objects.front()["items"].strings();
    return !name.empty() && name.back() == version_table;
}

void judge_version_table(Parsed& parsed, Node statement, const revision::IdSet& ids) {
    constexpr std::array<std::string_view, 3> writes = {"InsertStmt", "UpdateStmt", "DeleteStmt"};
    const bool write = std::find(writes.begin(), writes.end(), statement.type()) != writes.end();
    if (write && is_version_table(statement["relation"])) {
        parsed.bookkeeping = names_only(statement, ids);
        parsed.touches_version = !parsed.bookkeeping;
    } else if (statement.is("CreateStmt") || statement.is("AlterTableStmt")) {
        parsed.touches_version = is_version_table(statement["relation"]);
    } else if (drops_version_table(statement)) {
        parsed.bookkeeping = true;
    }
}

bool has_option(Node statement, std::string_view name) {
    const std::vector<Node> options = statement["params"].items();
    return std::any_of(options.begin(), options.end(), [&](Node option) {
        return option["defname"].text() == name;
    });
}

/// PostgreSQL's own list: what calls PreventInTransactionBlock().
bool refuses_transaction(Node statement) {
    const std::string_view type = statement.type();
    constexpr std::array<std::string_view, 7> always = {
        "CreatedbStmt",
        "DropdbStmt",
        "AlterSystemStmt",
        "CreateTableSpaceStmt",
        "DropTableSpaceStmt",
        "CreateSubscriptionStmt",
        "VacuumStmt"};
    if (std::find(always.begin(), always.end(), type) != always.end()) {
        return type != "VacuumStmt" || statement["is_vacuumcmd"].flag();
    }
    if (type == "IndexStmt" || type == "DropStmt") {
        return statement["concurrent"].flag();
    }
    if (type == "ReindexStmt") {
        const std::string kind = statement["kind"].text();
        return has_option(statement, "concurrently") ||
               (kind != "REINDEX_OBJECT_INDEX" && kind != "REINDEX_OBJECT_TABLE");
    }
    if (type == "ClusterStmt") {
        return !statement["relation"];
    }
    bool detaches = false;
    if (type == "AlterTableStmt") {
        lint::walk(statement["cmds"], [&](std::string_view key, Node node) {
            detaches = detaches || (key == "PartitionCmd" && node["concurrent"].flag());
            return true;
        });
    }
    return detaches;
}

/// Statements outside Alembic's transactions that transaction=off doesn't take get one of their
/// own; new values of an enum are committed before anything can use them.
bool join(const Parsed& last, const Parsed& next) {
    if (last.alone || next.alone) {
        return last.alone && next.alone;
    }
    return last.transaction == next.transaction &&
           (next.transaction != outside || last.adds_value == next.adds_value);
}

/// One step under work: statements with where they stood.
struct Open {
    StepName name;
    std::vector<Parsed> statements;
    std::string problem;
};

std::string beginning(std::string_view text) {
    return printable(std::string(text.substr(0, text.find('\n'))), shown_bytes);
}

class Reader {
  public:
    explicit Reader(const revision::IdSet& ids) : ids_(ids) {}

    void segment(std::optional<StepName> name, std::span<const Token> tokens) {
        Open open{name.value_or(StepName{}), {}, {}};
        for (const revision::StatementRange& range :
             revision::split(tokens, revision::Dialect::postgres)) {
            take(open, tokens, range);
        }
        if (name) {
            close(std::move(open));
        }
    }

    Rendered result;

  private:
    void take(Open& open, std::span<const Token> tokens, const revision::StatementRange& range) {
        std::string text;
        for (std::size_t i = range.first; i <= range.last; ++i) {
            text += tokens[i].text;
        }
        const lint::Tree tree = lint::Tree::parse(text);
        const std::vector<Node> statements = tree.statements();
        if (tree.problem() || statements.size() != 1) {
            if (open.problem.empty()) {
                open.problem = fmt::format(
                    "what Alembic prints for it isn't SQL: {} at '{}' (does the step print, or end "
                    "a statement with a comment?)",
                    tree.problem() ? tree.problem()->message : "not one statement",
                    beginning(
                        tree.problem() ? std::string_view(text).substr(
                                             std::min(tree.problem()->offset, text.size())
                                         )
                                       : std::string_view(text)
                    )
                );
            }
            return;
        }
        const Node node = statements.front();
        switch (control_of(node)) {
            case Control::begin:
                transaction_ = ++begun_;
                return;
            case Control::end:
                transaction_ = outside;
                return;
            case Control::none:
                break;
        }
        Parsed parsed;
        parsed.transaction = transaction_;
        parsed.adds_value = node.is("AlterEnumStmt");
        judge_version_table(parsed, node, ids_);
        if (transaction_ == outside && revision::find_alone(text)) {
            parsed.alone = true;
        } else if (refuses_transaction(node)) {
            parsed.never = beginning(text);
        }
        parsed.text = std::move(text);
        open.statements.push_back(std::move(parsed));
    }

    void close(Open open) {
        RenderedStep step;
        step.problem = std::move(open.problem);
        std::vector<Parsed>& all = open.statements;
        while (!all.empty() && all.back().bookkeeping) {
            all.pop_back();
            result.versioned = true;
        }
        for (const Parsed& each : all) {
            if (step.problem.empty()) {
                step.problem = problem_of(each);
            }
        }
        fill(step, all);
        if (result.steps.contains(open.name)) {
            step.problem = "what Alembic prints has it twice";
        } else {
            result.order.push_back(open.name);
        }
        result.steps.insert_or_assign(open.name, std::move(step));
    }

    [[nodiscard]] static std::string problem_of(const Parsed& parsed) {
        if (parsed.bookkeeping || parsed.touches_version) {
            return fmt::format(
                "it changes {} by itself: '{}'", version_table, beginning(parsed.text)
            );
        }
        if (!parsed.never.empty()) {
            return fmt::format(
                "no section takes '{}': it can't run in a transaction, and nothing would tell "
                "after a crash whether it happened",
                parsed.never
            );
        }
        return {};
    }

    static void fill(RenderedStep& step, const std::vector<Parsed>& statements) {
        const Parsed* last = nullptr;
        for (const Parsed& each : statements) {
            if (last == nullptr || !join(*last, each)) {
                step.pieces.push_back({!each.alone, {}});
            }
            step.pieces.back().statements.push_back(each.text);
            last = &each;
        }
    }

    const revision::IdSet& ids_;
    /// Statements before the first BEGIN are in a transaction as much as those after it: a project
    /// may have Alembic print none.
    int begun_ = outside + 1;
    int transaction_ = begun_;
};

}  // namespace

Rendered read_rendered(std::string_view text, const revision::IdSet& ids) {
    const std::vector<Token> tokens = revision::tokenize(text, revision::Dialect::postgres);
    const std::span<const Token> all(tokens);
    Reader reader(ids);
    std::optional<StepName> name;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= tokens.size(); ++i) {
        const bool end = i == tokens.size();
        std::optional<StepName> next = end ? std::nullopt : step_of(tokens[i], ids);
        if (end || next) {
            reader.segment(name, all.subspan(from, i - from));
            name = std::move(next);
            from = i + 1;
        }
    }
    return std::move(reader.result);
}

}  // namespace tapline::alembic
