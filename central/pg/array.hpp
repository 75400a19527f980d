// The one encoder of array parameters: PostgreSQL's array text form
// (https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO), for `unnest($1::bigint[], …)`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapline::pg {

/// Builds one array of any element type; the statement's cast says which ($1::uuid[]).
class ArrayBuilder {
  public:
    ArrayBuilder() : text_("{") {}

    void reserve(std::size_t bytes) { text_.reserve(bytes); }

    void null();
    /// Any bytes but zero: quotes, backslashes, commas, braces, "NULL" and "" are themselves.
    /// Throws Error{data, "nul_byte"}. Bytes that aren't UTF-8 are the server's to refuse (22021).
    void text(std::string_view value);

    void text(const std::string& value) { text(std::string_view(value)); }

    void text(const std::optional<std::string>& value);
    void integer(std::int64_t value);
    void integer(const std::optional<std::int64_t>& value);
    void boolean(bool value);
    /// float8, with every digit it takes to read back the same value.
    void real(double value);
    /// bytea of any bytes.
    void bytes(std::string_view value);
    /// What the server's own input function reads and what needs no quoting: uuid, numeric. Only
    /// [0-9A-Za-z.+-]; anything else aborts (our own mistake).
    void plain(std::string_view value);
    /// timestamptz, microseconds since 1970 UTC, from year 1 to 9999; outside aborts.
    void timestamp_us(std::int64_t value);
    void timestamp_us(const std::optional<std::int64_t>& value);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// The literal; nothing may be added after it until clear().
    [[nodiscard]] const std::string& literal();
    /// Empty again; keeps the memory.
    void clear();

  private:
    void next();

    std::string text_;
    std::size_t size_ = 0;
    bool closed_ = false;
};

}  // namespace tapline::pg
