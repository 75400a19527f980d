// PostgreSQL's parse tree, as libpg_query gives it, without showing JSON to every rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tapline::lint {

/// A place in a parse tree, or nothing. Cheap to copy; valid as long as its Tree. A node of a known
/// type stands bare, one of any type in a wrapper {"AlterTableStmt": {…}}: reading a field looks
/// through the wrapper.
class Node {
  public:
    Node() = default;

    explicit Node(const nlohmann::json* value) noexcept : value_(value) {}

    explicit operator bool() const noexcept { return value_ != nullptr; }

    /// Nothing for a field that isn't there; PostgreSQL leaves out what is null, 0 or false.
    [[nodiscard]] Node operator[](const char* field) const;
    /// Name of the wrapper; "" for a bare node.
    [[nodiscard]] std::string_view type() const;

    [[nodiscard]] bool is(std::string_view wrapper) const { return type() == wrapper; }

    /// "" for nothing and for what isn't a string.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::int64_t number() const;
    [[nodiscard]] bool flag() const;
    /// Elements of an array; none for anything else.
    [[nodiscard]] std::vector<Node> items() const;
    /// sval of String nodes: a dotted name, a list of columns.
    [[nodiscard]] std::vector<std::string> strings() const;

  private:
    friend void walk(Node, const std::function<bool(std::string_view, Node)>&);
    friend class Tree;
    const nlohmann::json* value_ = nullptr;
};

/// Visits every object below and including node. key: the wrapper's name or the field's, so that a
/// table is seen as "RangeVar" or "relation". false: don't look inside this one.
void walk(Node node, const std::function<bool(std::string_view key, Node)>& visit);

struct SyntaxProblem {
    std::string message;     ///< PostgreSQL's words
    std::size_t offset = 0;  ///< bytes into the text
};

/// The statements of one text. Movable; its nodes stay valid.
class Tree {
  public:
    /// sql as PostgreSQL 15 reads it. A statement nested deeper than max_nesting is a problem too:
    /// the parser's stack isn't ours to lose.
    static Tree parse(const std::string& sql);
    /// The body of a DO block, from DECLARE or BEGIN to END. Its nodes are PL/pgSQL's own.
    static Tree parse_plpgsql(const std::string& body);

    Tree(Tree&&) noexcept;
    Tree& operator=(Tree&&) noexcept;
    ~Tree();

    [[nodiscard]] const std::optional<SyntaxProblem>& problem() const noexcept { return problem_; }

    /// Each wrapped by its type; PL/pgSQL: the functions.
    [[nodiscard]] std::vector<Node> statements() const;

  private:
    Tree();
    std::unique_ptr<nlohmann::json> json_;
    std::optional<SyntaxProblem> problem_;
};

/// Brackets inside each other, set operations and joins of one statement.
inline constexpr std::size_t max_nesting = 1'000;
/// Operators in a row without a comma between them.
inline constexpr std::size_t max_chain = 20'000;

}  // namespace tapline::lint
