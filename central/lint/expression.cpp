#include "central/lint/expression.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tapline::lint {

namespace {

/// STABLE and IMMUTABLE functions of pg_catalog that defaults are made of (pg_proc.provolatile).
constexpr std::array<std::string_view, 76> steady_functions = {
    "abs",
    "age",
    "array_append",
    "array_cat",
    "array_fill",
    "array_remove",
    "array_to_json",
    "ascii",
    "btrim",
    "ceil",
    "ceiling",
    "char_length",
    "chr",
    "concat",
    "concat_ws",
    "convert_from",
    "convert_to",
    "current_database",
    "current_schema",
    "current_setting",
    "date",
    "date_part",
    "date_trunc",
    "daterange",
    "decode",
    "encode",
    "extract",
    "floor",
    "format",
    "hashtext",
    "inet_client_addr",
    "initcap",
    "int4range",
    "int8range",
    "json_build_array",
    "json_build_object",
    "json_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object",
    "left",
    "length",
    "localtimestamp",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "md5",
    "mod",
    "now",
    "num_nonnulls",
    "numrange",
    "octet_length",
    "power",
    "regexp_replace",
    "repeat",
    "replace",
    "right",
    "round",
    "row_to_json",
    "rpad",
    "sha256",
    "split_part",
    "statement_timestamp",
    "string_to_array",
    "substr",
    "substring",
    "timezone",
    "to_char",
    "to_json",
    "to_jsonb",
    "transaction_timestamp"};
constexpr std::array<std::string_view, 14> more_steady_functions = {
    "to_date",
    "to_number",
    "to_timestamp",
    "to_tsvector",
    "trim",
    "trunc",
    "tsrange",
    "tstzrange",
    "txid_current",
    "upper",
    "user",
    "pg_current_xact_id",
    "rtrim",
    "strpos"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

std::string quoted(const std::string& text, char quote) {
    std::string result(1, quote);
    for (const char c : text) {
        result.append(c == quote ? 2 : 1, c);
    }
    return result + quote;
}

std::optional<std::string> format_text(const std::vector<Node>& arguments) {
    const auto pattern = arguments.empty() ? std::nullopt : constant_text(arguments.front());
    if (!pattern) {
        return std::nullopt;
    }
    std::string result;
    std::size_t next = 1;
    for (std::size_t i = 0; i < pattern->size(); ++i) {
        if ((*pattern)[i] != '%') {
            result.push_back((*pattern)[i]);
            continue;
        }
        const char kind = ++i < pattern->size() ? (*pattern)[i] : ' ';
        if (kind == '%') {
            result.push_back('%');
            continue;
        }
        const auto value =
            next < arguments.size() ? constant_text(arguments[next++]) : std::nullopt;
        if (!value || (kind != 'I' && kind != 'L' && kind != 's')) {
            return std::nullopt;
        }
        result += kind == 's' ? *value : quoted(*value, kind == 'I' ? '"' : '\'');
    }
    return result;
}

std::string operator_of(Node expression) {
    const auto names = expression["name"].strings();
    return expression.is("A_Expr") && !names.empty() ? names.back() : "";
}

}  // namespace

std::string column_of(Node expression) {
    if (!expression.is("ColumnRef")) {
        return {};
    }
    const auto fields = expression["fields"].items();
    return fields.empty() || !fields.back().is("String") ? "" : fields.back()["sval"].text();
}

std::set<std::string> columns_in(Node expression) {
    std::set<std::string> result;
    walk(expression, [&](std::string_view key, Node node) {
        if (key == "ColumnRef") {
            const auto names = node["fields"].strings();
            if (!names.empty()) {
                result.insert(names.back());
            }
        }
        return true;
    });
    return result;
}

std::set<std::string> constants_in(Node expression) {
    std::set<std::string> result;
    walk(expression, [&](std::string_view key, Node node) {
        if (key == "A_Const") {
            if (node["sval"]) {
                result.insert(node["sval"]["sval"].text());
            } else if (node["ival"]) {
                result.insert(std::to_string(node["ival"]["ival"].number()));
            } else if (node["fval"]) {
                result.insert(node["fval"]["fval"].text());
            }
        }
        return true;
    });
    return result;
}

std::set<std::string> never_null_in(Node condition) {
    if (condition.is("NullTest") && condition["nulltesttype"].text() == "IS_NOT_NULL") {
        const std::string column = column_of(condition["arg"]);
        return column.empty() ? std::set<std::string>{} : std::set<std::string>{column};
    }
    std::set<std::string> result;
    if (condition.is("BoolExpr") && condition["boolop"].text() == "AND_EXPR") {
        for (const Node each : condition["args"].items()) {
            result.merge(never_null_in(each));
        }
    }
    return result;
}

bool is_volatile(Node expression, const Catalog& catalog) {
    bool found = false;
    walk(expression, [&](std::string_view key, Node node) {
        if (key == "FuncCall") {
            const auto names = node["funcname"].strings();
            const std::string name = names.empty() ? "" : names.back();
            const auto known = catalog.immutable_functions.find(dotted(names));
            const bool steady =
                known != catalog.immutable_functions.end()
                    ? known->second
                    : contains(steady_functions, name) || contains(more_steady_functions, name);
            found = found || !steady;
        }
        return true;
    });
    return found;
}

std::optional<std::string> constant_text(Node expression) {
    if (expression.is("A_Const")) {
        const auto constants = constants_in(expression);
        return constants.empty() ? std::nullopt : std::optional(*constants.begin());
    }
    if (expression.is("TypeCast")) {
        return constant_text(expression["arg"]);
    }
    if (operator_of(expression) == "||") {
        const auto left = constant_text(expression["lexpr"]);
        const auto right = constant_text(expression["rexpr"]);
        return left && right ? std::optional(*left + *right) : std::nullopt;
    }
    const std::string function = function_of(expression);
    const auto arguments = expression["args"].items();
    if (function == "format") {
        return format_text(arguments);
    }
    if (arguments.size() == 1 && (function == "quote_ident" || function == "quote_literal")) {
        const auto text = constant_text(arguments.front());
        return text ? std::optional(quoted(*text, function == "quote_ident" ? '"' : '\''))
                    : std::nullopt;
    }
    if (function == "concat") {
        std::string result;
        for (const Node each : arguments) {
            const auto text = constant_text(each);
            if (!text) {
                return std::nullopt;
            }
            result += *text;
        }
        return result;
    }
    return std::nullopt;
}

bool is_fixed(Node expression) {
    bool fixed = static_cast<bool>(expression);
    walk(expression, [&](std::string_view key, Node) {
        fixed = fixed && key != "ColumnRef" && key != "SubLink";
        return fixed;
    });
    return fixed;
}

bool is_null_constant(Node expression) {
    if (expression.is("TypeCast")) {
        return is_null_constant(expression["arg"]);
    }
    return expression.is("A_Const") && expression["isnull"].flag();
}

std::string function_of(Node expression) {
    const auto names = expression["funcname"].strings();
    return expression.is("FuncCall") && !names.empty() ? names.back() : "";
}

std::set<std::string> tables_in(Node node) {
    std::set<std::string> result;
    std::set<std::string> with;
    walk(node, [&](std::string_view key, Node each) {
        if (key == "CommonTableExpr") {
            with.insert(each["ctename"].text());
        } else if (each["relname"]) {
            result.insert(relation_name(each));
        }
        return true;
    });
    for (const std::string& name : with) {
        result.erase(name);
    }
    return result;
}

}  // namespace tapline::lint
