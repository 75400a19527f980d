// DO: its static SQL is judged like any other, what it puts together at run time can't be.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/lint/bounds.hpp"
#include "central/lint/clip.hpp"
#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"
#include "central/lint/transaction.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::lint {

namespace {

using Names = std::set<std::string>;

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return result;
}

/// Variables become parameters, so that `WHERE id = r.id` names one row: `r.id` -> `$1`.
std::string with_parameters(const std::string& query, const Names& variables) {
    std::string result;
    const auto tokens = revision::tokenize(query, revision::Dialect::postgres);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const bool qualified = i > 0 && tokens[i - 1].text == ".";
        const bool variable = tokens[i].kind == revision::TokenKind::word && !qualified &&
                              variables.contains(lower(tokens[i].text));
        if (!variable) {
            result += tokens[i].text;
            continue;
        }
        result += "$1";
        if (i + 2 < tokens.size() && tokens[i + 1].text == ".") {
            i += 2;
        }
    }
    return result;
}

class Block {
  public:
    Block(Statement& whole, Names variables) : whole_(whole), variables_(std::move(variables)) {}

    void judge_body(Node body, bool looped);

  private:
    bool visit(std::string_view key, Node node, bool looped);
    void judge_query(const std::string& query, bool looped);
    void judge_dynamic(Node expression, int line, bool looped);
    void judge_loop(std::string_view kind, Node node, bool looped);
    void judge_tree(const Tree& tree, const std::string& sql, bool looped);

    Statement& whole_;
    Names variables_;
};

std::string query_of(Node expression) {
    return expression["query"].text();
}

void Block::judge_body(Node body, bool looped) {
    walk(body, [&](std::string_view key, Node node) { return visit(key, node, looped); });
}

/// false: what is inside has been seen to.
bool Block::visit(std::string_view key, Node node, bool looped) {
    if (key == "PLpgSQL_stmt_execsql") {
        judge_query(query_of(node["sqlstmt"]), looped);
    } else if (key == "PLpgSQL_stmt_perform" || key == "PLpgSQL_stmt_call") {
        judge_query(query_of(node["expr"]), looped);
    } else if (key == "PLpgSQL_stmt_dynexecute") {
        judge_dynamic(node["query"], static_cast<int>(node["lineno"].number()), looped);
    } else if (key == "PLpgSQL_stmt_commit" || key == "PLpgSQL_stmt_rollback") {
        whole_.find(
            Hazard::transaction_control,
            "transaction",
            fmt::format(
                "line {} of the block ends the runner's transaction", node["lineno"].number()
            )
        );
    } else if (key == "PLpgSQL_stmt_fors" || key == "PLpgSQL_stmt_dynfors" ||
               key == "PLpgSQL_stmt_loop" || key == "PLpgSQL_stmt_while" ||
               key == "PLpgSQL_stmt_foreach_a") {
        judge_loop(key, node, looped);
        return false;
    }
    return true;
}

void Block::judge_loop(std::string_view kind, Node node, bool looped) {
    bool many = true;
    if (kind == "PLpgSQL_stmt_fors") {
        const Tree tree = Tree::parse(with_parameters(query_of(node["query"]), variables_));
        std::string scanned;
        const auto statements = tree.statements();
        many = statements.size() != 1 ||
               !is_bounded_query(whole_.catalog, statements.front(), scanned);
        judge_query(query_of(node["query"]), looped);
    } else if (kind == "PLpgSQL_stmt_dynfors") {
        judge_dynamic(node["query"], static_cast<int>(node["lineno"].number()), looped);
    } else if (kind == "PLpgSQL_stmt_foreach_a") {
        many = false;
    }
    judge_body(node["body"], looped || many);
}

void Block::judge_query(const std::string& query, bool looped) {
    judge_names(whole_, query);
    Tree tree = Tree::parse(with_parameters(query, variables_));
    if (tree.problem()) {
        tree = Tree::parse(query);  // a variable's name may also be that of a column or table
    }
    judge_tree(tree, query, looped);
}

void Block::judge_dynamic(Node expression, int line, bool looped) {
    const Tree select = Tree::parse("SELECT " + query_of(expression));
    std::optional<std::string> text;
    for (const Node each : select.statements()) {
        const auto targets = each["targetList"].items();
        text = targets.size() == 1 ? constant_text(targets.front()["val"]) : std::nullopt;
    }
    if (!text) {
        whole_.find(
            Hazard::cannot_be_checked,
            "DO block",
            fmt::format("line {} of the block puts its SQL together at run time", line)
        );
        return;
    }
    judge_names(whole_, *text);
    judge_tree(Tree::parse(*text), *text, looped);
}

void Block::judge_tree(const Tree& tree, const std::string& sql, bool looped) {
    if (tree.problem()) {
        whole_.find(
            Hazard::cannot_be_checked,
            "DO block",
            fmt::format("'{}' can't be read: {}", clip(sql, 60), tree.problem()->message)
        );
        return;
    }
    for (const Node node : tree.statements()) {
        Statement inner(whole_.catalog, whole_.transaction);
        inner.undo = whole_.undo;
        inner.looped = looped;
        inner.in_block = true;
        inner.made_later = whole_.made_later;
        judge(inner, node);
        for (Draft& each : inner.drafts) {
            whole_.find(std::move(each));
        }
        whole_.locks.insert(whole_.locks.end(), inner.locks.begin(), inner.locks.end());
    }
}

/// libpg_query 15-4.0.0 doesn't know refcursor, and refuses the statements that move one: OPEN,
/// FETCH, MOVE and CLOSE. Their queries only read, so they become NULL.
std::string without_cursors(const std::string& body) {
    constexpr std::array<std::string_view, 4> moves = {"OPEN", "FETCH", "MOVE", "CLOSE"};
    constexpr std::array<std::string_view, 4> starters = {"BEGIN", "THEN", "ELSE", "LOOP"};
    std::string result;
    bool at_start = true;
    bool skipping = false;
    for (const auto& token : revision::tokenize(body, revision::Dialect::postgres)) {
        const auto is = [&](std::string_view word) { return revision::is_word(token, word); };
        const bool ends = token.kind == revision::TokenKind::semicolon;
        if (at_start && std::any_of(moves.begin(), moves.end(), is)) {
            result += "NULL";
            skipping = true;
        }
        skipping = skipping && !ends;
        if (!skipping) {
            result += token.text;
        }
        if (!token.is_trivia()) {
            at_start = ends || std::any_of(starters.begin(), starters.end(), is);
        }
    }
    return result;
}

Names variables_of(Node function) {
    Names names;
    for (const Node each : function["datums"].items()) {
        const std::string name = each["refname"].text();
        if (!name.empty() && name.front() != '(') {
            names.insert(lower(name));
        }
    }
    return names;
}

}  // namespace

void judge_do(Statement& s, Node node) {
    std::string body;
    std::string language = "plpgsql";
    for (const Node each : node["args"].items()) {
        (each["defname"].text() == "as" ? body : language) = each["arg"]["sval"].text();
    }
    if (language != "plpgsql") {
        s.find(Hazard::cannot_be_checked, "DO block", "only PL/pgSQL can be looked into");
        return;
    }
    Tree tree = Tree::parse_plpgsql(body);
    if (tree.problem() && tree.problem()->message.find("cursor") != std::string::npos) {
        tree = Tree::parse_plpgsql(without_cursors(body));
    }
    if (tree.problem()) {
        s.find(
            Hazard::cannot_be_checked,
            "DO block",
            "its body can't be read: " + tree.problem()->message
        );
        return;
    }
    // Inside the block everything is one transaction, whatever is outside.
    TransactionState outside = s.transaction;
    s.transaction.open = true;
    for (const Node function : tree.statements()) {
        Block(s, variables_of(function)).judge_body(function["action"], s.looped);
    }
    s.transaction.open = outside.open;
}

}  // namespace tapline::lint
