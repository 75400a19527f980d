// How a SQLite value looks in JSON (docs/wire.md, Values). Only the codec's own units include this.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/pour.hpp"

namespace tapline::wire {

/// Appends the value's JSON text. Written by hand because rows are most of every byte on the wire.
void append_value(std::string& out, const Value& value);
void append_quoted(std::string& out, std::string_view utf8);
/// {"seq":…,"columns":{…}}
void append_row(std::string& out, const RawPour& row);

/// Throws Error{protocol, "malformed"}.
[[nodiscard]] Value read_value(const nlohmann::json& json);
[[nodiscard]] RawPour read_row(const nlohmann::json& json);

[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::string base64_decode(std::string_view text);

}  // namespace tapline::wire
