#include "common/wire_json.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace tapline::wire {

namespace {

/// Deepest nesting of a text, before it is parsed: a million brackets must cost nothing.
int nesting(std::string_view text) noexcept {
    int depth = 0;
    int deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

}  // namespace

void malformed(const std::string& what) {
    throw Error(
        ErrorKind::protocol,
        "malformed",
        what,
        "the sender's program is broken; report it with its version"
    );
}

Json parse_object(std::string_view text) {
    if (nesting(text) > max_depth) {
        malformed(fmt::format("the JSON is nested deeper than {}", max_depth));
    }
    try {
        auto json = Json::parse(text);
        if (!json.is_object()) {
            malformed("the body isn't a JSON object");
        }
        return json;
    } catch (const Json::parse_error& failure) {
        malformed(fmt::format("the body isn't JSON: it goes wrong at byte {}", failure.byte));
    } catch (const Json::exception&) {
        malformed("the body isn't JSON that can be read: a number or a text in it is out of range");
    }
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tapline::wire
