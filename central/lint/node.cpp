#include "central/lint/node.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <pg_query.h>

#include <nlohmann/json.hpp>

#include "common/revision/tokens.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace tapline::lint {

namespace {

using nlohmann::json;

/// The object inside {"Type": {…}}; nullptr when value isn't such a wrapper.
const json* wrapped(const json& value) {
    if (!value.is_object() || value.size() != 1) {
        return nullptr;
    }
    const auto only = value.begin();
    const char first = only.key().empty() ? 'x' : only.key().front();
    return first >= 'A' && first <= 'Z' && only->is_object() ? &*only : nullptr;
}

bool deepens(const revision::Token& token) {
    constexpr std::array<std::string_view, 4> words = {"UNION", "INTERSECT", "EXCEPT", "JOIN"};
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return revision::is_word(token, word);
    });
}

/// What would make libpg_query recurse too deep; nullopt: nothing.
std::optional<SyntaxProblem> too_deep(const std::string& sql) {
    std::size_t depth = 0;
    std::size_t nested = 0;
    std::size_t chain = 0;
    for (const revision::Token& token : revision::tokenize(sql, revision::Dialect::postgres)) {
        if (token.is_trivia()) {
            continue;
        }
        chain = token.text == "," ? 0 : chain + 1;
        if (token.kind == revision::TokenKind::semicolon) {
            nested = chain = depth = 0;
        } else if (token.text == "(" || token.text == "[" || revision::is_word(token, "CASE")) {
            ++depth;
        } else if (token.text == ")" || token.text == "]" || revision::is_word(token, "END")) {
            depth -= depth > 0 ? 1 : 0;
        } else if (deepens(token)) {
            ++nested;
        }
        if (depth > max_nesting || nested > max_nesting || chain > max_chain) {
            return SyntaxProblem{"it is nested too deep to be checked", token.offset};
        }
    }
    return std::nullopt;
}

/// libpg_query counts characters from 1; we count bytes from 0.
std::size_t byte_offset(const std::string& sql, int cursor) {
    std::size_t offset = 0;
    for (int character = 1; character < cursor && offset < sql.size(); ++character) {
        do {
            ++offset;
        } while (offset < sql.size() && (static_cast<unsigned char>(sql[offset]) & 0xC0U) == 0x80U);
    }
    return offset;
}

}  // namespace

Node Node::operator[](const char* field) const {
    if (value_ == nullptr || !value_->is_object()) {
        return {};
    }
    const json* const inner = wrapped(*value_);
    const json& object = inner != nullptr ? *inner : *value_;
    const auto found = object.find(field);
    return found == object.end() ? Node{} : Node(&*found);
}

std::string_view Node::type() const {
    if (value_ == nullptr || wrapped(*value_) == nullptr) {
        return {};
    }
    return value_->begin().key();
}

std::string Node::text() const {
    return value_ != nullptr && value_->is_string() ? value_->get<std::string>() : std::string();
}

std::int64_t Node::number() const {
    return value_ != nullptr && value_->is_number() ? value_->get<std::int64_t>() : 0;
}

bool Node::flag() const {
    return value_ != nullptr && value_->is_boolean() && value_->get<bool>();
}

std::vector<Node> Node::items() const {
    std::vector<Node> result;
    if (value_ != nullptr && value_->is_array()) {
        for (const json& each : *value_) {
            result.emplace_back(&each);
        }
    }
    return result;
}

std::vector<std::string> Node::strings() const {
    std::vector<std::string> result;
    for (const Node each : items()) {
        if (each.is("String")) {
            result.push_back(each["sval"].text());
        }
    }
    return result;
}

void walk(Node node, const std::function<bool(std::string_view key, Node)>& visit) {
    std::vector<std::pair<std::string_view, const json*>> open;
    if (node) {
        open.emplace_back(std::string_view{}, node.value_);
    }
    while (!open.empty()) {
        const auto [key, value] = open.back();
        open.pop_back();
        if (value->is_object()) {
            if (wrapped(*value) == nullptr && !visit(key, Node(value))) {
                continue;
            }
            std::vector<std::pair<std::string_view, const json*>> inside;
            for (auto each = value->begin(); each != value->end(); ++each) {
                inside.emplace_back(each.key(), &*each);
            }
            open.insert(open.end(), inside.rbegin(), inside.rend());
        } else if (value->is_array()) {
            for (auto each = value->rbegin(); each != value->rend(); ++each) {
                open.emplace_back(key, &*each);
            }
        }
    }
}

Tree::Tree() : json_(std::make_unique<json>()) {}

Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;

Tree Tree::parse(const std::string& sql) {
    Tree tree;
    tree.problem_ = too_deep(sql);
    if (tree.problem_) {
        return tree;
    }
    const PgQueryParseResult result = pg_query_parse(sql.c_str());
    if (result.error != nullptr) {
        tree.problem_ =
            SyntaxProblem{result.error->message, byte_offset(sql, result.error->cursorpos)};
    } else {
        *tree.json_ = json::parse(result.parse_tree, nullptr, false);
    }
    pg_query_free_parse_result(result);
    if (tree.json_->is_discarded()) {
        tree.problem_ = SyntaxProblem{"PostgreSQL's parse tree can't be read", 0};
    }
    return tree;
}

Tree Tree::parse_plpgsql(const std::string& body) {
    Tree tree;
    tree.problem_ = too_deep(body);
    if (tree.problem_) {
        return tree;
    }
    std::string tag = "$lint";
    while (body.find(tag) != std::string::npos) {
        tag += 'x';
    }
    tag += '$';
    const std::string whole = "DO " + tag + body + tag;
    const PgQueryPlpgsqlParseResult result = [&] {
#ifdef __SANITIZE_ADDRESS__
        // libpg_query 15-4.0.0 forgets a byte (stderr_buffer) when the body doesn't parse.
        const __lsan::ScopedDisabler not_ours;
#endif
        return pg_query_parse_plpgsql(whole.c_str());
    }();
    if (result.error != nullptr) {
        tree.problem_ = SyntaxProblem{result.error->message, 0};
    } else {
        *tree.json_ = json::parse(result.plpgsql_funcs, nullptr, false);
    }
    pg_query_free_plpgsql_parse_result(result);
    if (tree.json_->is_discarded()) {
        tree.problem_ = SyntaxProblem{"PL/pgSQL's parse tree can't be read", 0};
    }
    return tree;
}

std::vector<Node> Tree::statements() const {
    if (json_->is_array()) {
        return Node(json_.get()).items();
    }
    std::vector<Node> result;
    for (const Node each : Node(json_.get())["stmts"].items()) {
        result.push_back(each["stmt"]);
    }
    return result;
}

}  // namespace tapline::lint
