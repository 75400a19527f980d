#include "common/wire_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "common/wire_json.hpp"

namespace tapline::wire {

namespace {

/// JSON readers that know only doubles keep integers exact up to here (RFC 8259 §6).
constexpr std::int64_t max_json_integer = 1LL << 53;
constexpr std::size_t max_columns = 64;
constexpr std::size_t max_name_bytes = 64;

struct ValueAppender {
    std::string& out;

    void operator()(std::monostate) const { out += "null"; }

    void operator()(std::int64_t value) const {
        if (value >= -max_json_integer && value <= max_json_integer) {
            fmt::format_to(std::back_inserter(out), "{}", value);
        } else {
            fmt::format_to(std::back_inserter(out), R"({{"type":"integer","text":"{}"}})", value);
        }
    }

    void operator()(double value) const {
        if (!std::isfinite(value)) {
            std::string bytes(sizeof value, '\0');
            std::memcpy(bytes.data(), &value, sizeof value);
            typed("real", bytes);
            return;
        }
        std::array<char, 32> buffer{};
        const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
        const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
        out += text;
        if (text.find_first_of(".e") == std::string_view::npos) {
            out += ".0";
        }
    }

    void operator()(const Text& value) const {
        if (is_valid_utf8(value.bytes) && value.bytes.find('\0') == std::string::npos) {
            append_quoted(out, value.bytes);
        } else {
            typed("text", value.bytes);
        }
    }

    void operator()(const Blob& value) const { typed("blob", value.bytes); }

    void typed(std::string_view type, std::string_view bytes) const {
        out += R"({"type":")";
        out += type;
        out += R"(","b64":")";
        out += base64_encode(bytes);
        out += "\"}";
    }
};

const std::string& member_text(const nlohmann::json& json, const char* name) {
    const auto member = json.find(name);
    if (member == json.end() || !member->is_string()) {
        malformed(fmt::format("a typed value lacks the text member {}", name));
    }
    return member->get_ref<const std::string&>();
}

Value read_typed(const nlohmann::json& json) {
    const auto& type = member_text(json, "type");
    if (type == "integer") {
        const auto& text = member_text(json, "text");
        std::int64_t value = 0;
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failure != std::errc{} || end != text.data() + text.size()) {
            malformed("a typed integer isn't a 64-bit number");
        }
        return value;
    }
    auto bytes = base64_decode(member_text(json, "b64"));
    if (type == "text") {
        return Text{std::move(bytes)};
    }
    if (type == "blob") {
        return Blob{std::move(bytes)};
    }
    if (type == "real" && bytes.size() == sizeof(double)) {
        double value = 0;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    malformed("a typed value has a type that isn't integer, real, text or blob");
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    // EVP_EncodeBlock ends its output with a NUL of its own.
    std::vector<unsigned char> text((bytes.size() + 2) / 3 * 4 + 1);
    const std::vector<unsigned char> input(bytes.begin(), bytes.end());
    const int written = EVP_EncodeBlock(text.data(), input.data(), static_cast<int>(input.size()));
    return {text.begin(), text.begin() + written};
}

std::string base64_decode(std::string_view text) {
    const auto padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
    if (text.size() % 4 != 0 || padding > 2) {
        malformed("a b64 member isn't base64");
    }
    const std::vector<unsigned char> input(text.begin(), text.end());
    std::vector<unsigned char> bytes(text.size() / 4 * 3 + 1);
    const int written = EVP_DecodeBlock(bytes.data(), input.data(), static_cast<int>(input.size()));
    if (written < static_cast<int>(padding)) {
        malformed("a b64 member isn't base64");
    }
    return {bytes.begin(), bytes.begin() + written - static_cast<int>(padding)};
}

void append_quoted(std::string& out, std::string_view utf8) {
    out.push_back('"');
    std::size_t clean_from = 0;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto byte = static_cast<unsigned char>(utf8[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        out.append(utf8, clean_from, i - clean_from);
        clean_from = i + 1;
        if (byte < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out.push_back('\\');
            out.push_back(utf8[i]);
        }
    }
    out.append(utf8, clean_from);
    out.push_back('"');
}

void append_value(std::string& out, const Value& value) {
    std::visit(ValueAppender{out}, value);
}

void append_row(std::string& out, const RawPour& row) {
    fmt::format_to(std::back_inserter(out), R"({{"seq":{},"columns":{{)", row.seq);
    bool first = true;
    for (const auto& column : row.columns) {
        if (std::holds_alternative<std::monostate>(column.value)) {
            continue;
        }
        if (!first) {
            out.push_back(',');
        }
        first = false;
        append_quoted(out, column.name);
        out.push_back(':');
        append_value(out, column.value);
    }
    out += "}}";
}

Value read_value(const nlohmann::json& json) {
    using Type = nlohmann::json::value_t;
    switch (json.type()) {
        case Type::null:
            return std::monostate{};
        case Type::number_integer:
            return json.get<std::int64_t>();
        case Type::number_unsigned:
            if (json.get<std::uint64_t>() > INT64_MAX) {
                malformed("an integer is larger than 64 bits");
            }
            return json.get<std::int64_t>();
        case Type::number_float:
            return json.get<double>();
        case Type::string:
            return Text{json.get<std::string>()};
        case Type::object:
            return read_typed(json);
        case Type::array:
        case Type::boolean:
        case Type::binary:
        case Type::discarded:
            break;
    }
    malformed("a column's value is an array or a truth value");
}

RawPour read_row(const nlohmann::json& json) {
    if (!json.is_object()) {
        malformed("a row isn't an object");
    }
    const auto seq = json.find("seq");
    const auto columns = json.find("columns");
    if (seq == json.end() || !seq->is_number_integer() || columns == json.end() ||
        !columns->is_object()) {
        malformed("a row lacks seq or columns");
    }
    if (columns->size() > max_columns) {
        malformed(fmt::format("a row has more than {} columns", max_columns));
    }
    RawPour row;
    row.seq = seq->get<std::int64_t>();
    row.columns.reserve(columns->size());
    // nlohmann's object is ordered by name, which is the order that the hash wants.
    for (const auto& [name, value] : columns->items()) {
        if (name.empty() || name.size() > max_name_bytes) {
            malformed("a column's name is empty or longer than 64 bytes");
        }
        auto read = read_value(value);
        if (!std::holds_alternative<std::monostate>(read)) {
            row.columns.push_back(Column{name, std::move(read)});
        }
    }
    return row;
}

}  // namespace tapline::wire
