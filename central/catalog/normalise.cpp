#include "central/catalog/normalise.hpp"

#include <optional>

#include <pg_query.h>

#include <nlohmann/json.hpp>

namespace tapline::catalog {

namespace {

using Json = nlohmann::json;

class ParseResult {
  public:
    explicit ParseResult(const std::string& sql) : result_(pg_query_parse(sql.c_str())) {}

    ~ParseResult() { pg_query_free_parse_result(result_); }

    ParseResult(const ParseResult&) = delete;
    ParseResult& operator=(const ParseResult&) = delete;

    [[nodiscard]] const char* tree() const noexcept {
        return result_.error == nullptr ? result_.parse_tree : nullptr;
    }

  private:
    PgQueryParseResult result_;
};

/// The statements in which a piece can stand alone, the commonest first.
struct Frame {
    std::string_view before;
    std::string_view after;
};

constexpr Frame frames[] = {
    {"SELECT (", "\n)"},                                           // expression
    {"", ""},                                                      // statement, query
    {"ALTER TABLE t ADD CONSTRAINT c ", ""},                       // constraint
    {"CREATE TABLE t (a int) PARTITION BY ", ""},                  // partition key
    {"CREATE TABLE t PARTITION OF p ", ""},                        // partition bound
    {"CREATE FUNCTION f(", "\n) RETURNS int LANGUAGE sql AS ''"},  // arguments
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql ", ""},         // SQL body
};

bool is_position(const std::string& key) {
    return key == "location" || key == "stmt_location" || key == "stmt_len" ||
           key == "list_start" || key == "list_end";
}

void drop_positions(Json& node) {
    if (node.is_object()) {
        for (auto it = node.begin(); it != node.end();) {
            it = is_position(it.key()) ? node.erase(it) : std::next(it);
        }
    }
    if (node.is_structured()) {
        for (Json& child : node) {
            drop_positions(child);
        }
    }
}

/// The TypeCast in a node, or nullptr.
Json* cast_in(Json& node) {
    if (!node.is_object()) {
        return nullptr;
    }
    const auto found = node.find("TypeCast");
    return found == node.end() || !found->contains("arg") || !found->contains("typeName") ? nullptr
                                                                                          : &*found;
}

bool is_type(const Json& type, std::string_view name) {
    if (type.contains("typmods") || type.contains("arrayBounds") || !type.contains("names")) {
        return false;
    }
    const Json& names = type.at("names");
    return !names.empty() && names.back().value("/String/sval"_json_pointer, "") == name;
}

Json cast_to(Json node, const Json& type) {
    return Json{{"TypeCast", {{"arg", std::move(node)}, {"typeName", type}}}};
}

/// (ARRAY[a, b])::T[] -> ARRAY[a::T, b::T]; an empty array keeps its cast, which is its type.
bool push_into_array(Json& node) {
    Json* cast = cast_in(node);
    if (cast == nullptr || !cast->at("typeName").contains("arrayBounds")) {
        return false;
    }
    Json& argument = cast->at("arg");
    const auto array = argument.find("A_ArrayExpr");
    if (array == argument.end() || !array->contains("elements")) {
        return false;
    }
    const Json array_type = cast->at("typeName");
    Json element_type = array_type;
    element_type.erase("arrayBounds");
    for (Json& element : array->at("elements")) {
        const bool nested = element.contains("A_ArrayExpr");
        element = cast_to(std::move(element), nested ? array_type : element_type);
    }
    Json pushed = std::move(argument);
    node = std::move(pushed);
    return true;
}

/// (x::T)::T -> x::T, and ('x'::varchar)::text -> 'x'::text.
bool drop_inner_cast(Json& node) {
    Json* outer = cast_in(node);
    Json* inner = outer == nullptr ? nullptr : cast_in(outer->at("arg"));
    if (inner == nullptr) {
        return false;
    }
    const bool same = outer->at("typeName") == inner->at("typeName");
    const bool literal =
        inner->at("arg").contains("A_Const") && inner->at("arg").at("A_Const").contains("sval") &&
        is_type(inner->at("typeName"), "varchar") && is_type(outer->at("typeName"), "text");
    if (!same && !literal) {
        return false;
    }
    Json argument = std::move(inner->at("arg"));
    outer->at("arg") = std::move(argument);
    return true;
}

void apply_rules(Json& node) {
    while (push_into_array(node) || drop_inner_cast(node)) {
    }
    if (node.is_structured()) {
        for (Json& child : node) {
            apply_rules(child);
        }
    }
    // An inner cast may have become one of two casts only now.
    while (drop_inner_cast(node)) {
    }
}

std::optional<std::string> tree_of(const std::string& sql) {
    const ParseResult parsed(sql);
    if (parsed.tree() == nullptr) {
        return std::nullopt;
    }
    Json tree = Json::parse(parsed.tree(), nullptr, false);
    // "1) ; SELECT (2" is no expression: a frame must stay one statement.
    if (tree.is_discarded() || !tree.contains("stmts") || tree.at("stmts").size() != 1) {
        return std::nullopt;
    }
    drop_positions(tree);
    apply_rules(tree);
    return tree.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string words_of(std::string_view text) {
    std::string words;
    for (const char c : text) {
        const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!space) {
            words += c;
        } else if (!words.empty() && words.back() != ' ') {
            words += ' ';
        }
    }
    return words;
}

}  // namespace

std::string normalised(std::string_view definition) {
    for (const Frame& frame : frames) {
        std::string sql(frame.before);
        sql.append(definition).append(frame.after);
        if (std::optional<std::string> tree = tree_of(sql)) {
            return std::move(*tree);
        }
    }
    return {};
}

bool same_definition(std::string_view a, std::string_view b) {
    if (a == b) {
        return true;
    }
    const std::string tree = normalised(a);
    return tree.empty() ? words_of(a) == words_of(b) : tree == normalised(b);
}

}  // namespace tapline::catalog
