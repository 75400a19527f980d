#include "central/draft/options.hpp"

#include "central/draft/name.hpp"

namespace tapline::draft {

namespace {

std::string trimmed(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return std::string(text);
}

bool take(std::string_view& text, std::string_view words) {
    if (!text.starts_with(words)) {
        return false;
    }
    text.remove_prefix(words.size());
    return true;
}

/// Where the bracket at the front closes; names in quotes may hold brackets.
std::string take_brackets(std::string_view& text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        quoted = quoted != (text[i] == '"');
        if (!quoted && text[i] == '(') {
            ++depth;
        } else if (!quoted && text[i] == ')' && --depth == 0) {
            const std::string inside(text.substr(0, i + 1));
            text.remove_prefix(i + 1);
            return inside;
        }
    }
    return {};
}

}  // namespace

std::string upper(std::string text) {
    for (char& c : text) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return text;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    std::string part;
    int depth = 0;
    char quote = 0;
    for (const char c : text) {
        if (quote != 0) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '(' || c == ')') {
            depth += c == '(' ? 1 : -1;
        } else if (c == ',' && depth == 0) {
            parts.push_back(trimmed(part));
            part.clear();
            continue;
        }
        part += c;
    }
    if (!trimmed(part).empty()) {
        parts.push_back(trimmed(part));
    }
    return parts;
}

std::string storage_options(std::string_view options, std::string_view prefix) {
    std::string text;
    for (const std::string& each : split_list(options)) {
        const std::size_t equals = each.find('=');
        text += text.empty() ? "" : ", ";
        text += std::string(prefix) + each.substr(0, equals);
        if (equals != std::string::npos) {
            text += " = " + literal(each.substr(equals + 1));
        }
    }
    return text;
}

bool read_key(std::string_view definition, KeyText& key) {
    key.primary = take(definition, "PRIMARY KEY ");
    if (!key.primary && !take(definition, "UNIQUE ")) {
        return false;
    }
    key.nulls_not_distinct = take(definition, "NULLS NOT DISTINCT ");
    key.columns = take_brackets(definition);
    if (take(definition, " INCLUDE ")) {
        key.include = " INCLUDE " + take_brackets(definition);
    }
    key.timing = definition;
    return !key.columns.empty();
}

}  // namespace tapline::draft
