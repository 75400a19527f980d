#include "central/pg/array.hpp"

#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::pg {

namespace {

constexpr std::int64_t us_per_day = 86'400'000'000;
constexpr std::int64_t first_timestamp_us = -62'135'596'800'000'000;  // 0001-01-01 00:00 UTC
constexpr std::int64_t last_timestamp_us = 253'402'300'799'999'999;   // 9999-12-31 23:59:59.999999

bool is_plain(std::string_view value) noexcept {
    for (const char c : value) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool other = (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';
        if (!letter && !other) {
            return false;
        }
    }
    return !value.empty();
}

}  // namespace

void ArrayBuilder::next() {
    TAPLINE_CHECK(!closed_);
    if (size_ != 0) {
        text_.push_back(',');
    }
    ++size_;
}

void ArrayBuilder::null() {
    next();
    text_.append("NULL");
}

void ArrayBuilder::text(std::string_view value) {
    if (value.find('\0') != std::string_view::npos) {
        throw Error(
            ErrorKind::data,
            "nul_byte",
            "a text for PostgreSQL holds a zero byte, which its text types can't store"
        );
    }
    next();
    text_.push_back('"');
    std::size_t from = 0;
    for (std::size_t at = value.find_first_of("\"\\"); at != std::string_view::npos;
         at = value.find_first_of("\"\\", at + 1)) {
        text_.append(value, from, at - from);
        text_.push_back('\\');
        from = at;
    }
    text_.append(value, from, std::string_view::npos);
    text_.push_back('"');
}

void ArrayBuilder::text(const std::optional<std::string>& value) {
    if (value) {
        text(std::string_view(*value));
    } else {
        null();
    }
}

void ArrayBuilder::integer(std::int64_t value) {
    next();
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text_.append(digits.data(), end);
}

void ArrayBuilder::integer(const std::optional<std::int64_t>& value) {
    if (value) {
        integer(*value);
    } else {
        null();
    }
}

void ArrayBuilder::boolean(bool value) {
    next();
    text_.push_back(value ? 't' : 'f');
}

void ArrayBuilder::real(double value) {
    next();
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text_.append(digits.data(), end);
}

void ArrayBuilder::bytes(std::string_view value) {
    static constexpr std::string_view digits = "0123456789abcdef";
    next();
    text_.append("\"\\\\x");
    const std::size_t start = text_.size();
    text_.resize(start + 2 * value.size());
    char* out = text_.data() + start;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        *out++ = digits[byte >> 4U];
        *out++ = digits[byte & 15U];
    }
    text_.push_back('"');
}

void ArrayBuilder::plain(std::string_view value) {
    // "null" in any case, unquoted, is the NULL element.
    TAPLINE_CHECK(is_plain(value) && value.size() != 4);
    next();
    text_.append(value);
}

void ArrayBuilder::timestamp_us(std::int64_t value) {
    TAPLINE_CHECK(value >= first_timestamp_us && value <= last_timestamp_us);
    const auto days = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(value))
    );
    const std::chrono::year_month_day date(days);
    const std::int64_t in_day = value - days.time_since_epoch().count() * us_per_day;
    next();
    fmt::format_to(
        std::back_inserter(text_),
        "\"{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00\"",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        in_day / 3'600'000'000,
        in_day / 60'000'000 % 60,
        in_day / 1'000'000 % 60,
        in_day % 1'000'000
    );
}

void ArrayBuilder::timestamp_us(const std::optional<std::int64_t>& value) {
    if (value) {
        timestamp_us(*value);
    } else {
        null();
    }
}

const std::string& ArrayBuilder::literal() {
    if (!closed_) {
        text_.push_back('}');
        closed_ = true;
    }
    return text_;
}

void ArrayBuilder::clear() {
    text_.assign("{");
    size_ = 0;
    closed_ = false;
}

}  // namespace tapline::pg
