#include <array>
#include <chrono>

#include "common/pour.hpp"

namespace tapline {

namespace {

/// A cursor over the characters of a timestamp.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

    bool skip(char expected) noexcept {
        if (rest_.empty() || rest_.front() != expected) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    /// Exactly `digits` digits.
    std::optional<int> number(std::size_t digits) noexcept {
        if (rest_.size() < digits) {
            return std::nullopt;
        }
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            const char c = rest_[i];
            if (c < '0' || c > '9') {
                return std::nullopt;
            }
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }

    /// 1–9 digits of a fraction, cut to microseconds.
    std::optional<std::int64_t> fraction_us() noexcept {
        std::int64_t value = 0;
        std::size_t digits = 0;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            if (digits < 6) {
                value = value * 10 + (rest_.front() - '0');
            }
            ++digits;
            rest_.remove_prefix(1);
        }
        if (digits == 0 || digits > 9) {
            return std::nullopt;
        }
        for (; digits < 6; ++digits) {
            value *= 10;
        }
        return value;
    }

  private:
    std::string_view rest_;
};

std::optional<std::int64_t> date_us(Scanner& scanner) noexcept {
    const auto year = scanner.number(4);
    if (!year || !scanner.skip('-')) {
        return std::nullopt;
    }
    const auto month = scanner.number(2);
    if (!month || !scanner.skip('-')) {
        return std::nullopt;
    }
    const auto day = scanner.number(2);
    if (!day || *year < 1) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date).time_since_epoch().count() * 86'400'000'000LL;
}

std::optional<std::int64_t> clock_us(Scanner& scanner) noexcept {
    const auto hour = scanner.number(2);
    if (!hour || *hour > 23 || !scanner.skip(':')) {
        return std::nullopt;
    }
    const auto minute = scanner.number(2);
    if (!minute || *minute > 59) {
        return std::nullopt;
    }
    std::int64_t microseconds = (*hour * 60LL + *minute) * 60'000'000LL;
    if (scanner.skip(':')) {
        const auto second = scanner.number(2);
        if (!second || *second > 59) {
            return std::nullopt;
        }
        microseconds += *second * 1'000'000LL;
        if (scanner.skip('.')) {
            const auto fraction = scanner.fraction_us();
            if (!fraction) {
                return std::nullopt;
            }
            microseconds += *fraction;
        }
    }
    return microseconds;
}

std::optional<std::int64_t> offset_us(Scanner& scanner) noexcept {
    if (scanner.skip('Z')) {
        return 0;
    }
    std::int64_t sign = 1;
    if (scanner.skip('-')) {
        sign = -1;
    } else if (!scanner.skip('+')) {
        return std::nullopt;
    }
    const auto hours = scanner.number(2);
    scanner.skip(':');
    const auto minutes = scanner.number(2);
    if (!hours || !minutes || *hours > 15 || *minutes > 59) {
        return std::nullopt;
    }
    return sign * (*hours * 60LL + *minutes) * 60'000'000LL;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp_us(std::string_view text) noexcept {
    Scanner scanner(text);
    const auto date = date_us(scanner);
    if (!date || !(scanner.skip('T') || scanner.skip(' '))) {
        return std::nullopt;
    }
    const auto clock = clock_us(scanner);
    if (!clock) {
        return std::nullopt;
    }
    const auto offset = offset_us(scanner);
    if (!offset || !scanner.done()) {
        return std::nullopt;
    }
    return *date + *clock - *offset;
}

bool is_valid_utf8(std::string_view bytes) noexcept {
    // Smallest code point for a sequence of n continuation bytes: a longer form than needed is
    // invalid.
    static constexpr std::array<std::uint32_t, 4> smallest{0, 0x80, 0x800, 0x10000};
    std::size_t i = 0;
    while (i < bytes.size()) {
        const auto lead = static_cast<unsigned char>(bytes[i++]);
        if (lead < 0x80) {
            continue;
        }
        std::size_t follow = 0;
        std::uint32_t point = 0;
        if ((lead & 0xE0U) == 0xC0U) {
            follow = 1;
            point = lead & 0x1FU;
        } else if ((lead & 0xF0U) == 0xE0U) {
            follow = 2;
            point = lead & 0x0FU;
        } else if ((lead & 0xF8U) == 0xF0U) {
            follow = 3;
            point = lead & 0x07U;
        } else {
            return false;
        }
        if (bytes.size() - i < follow) {
            return false;
        }
        for (std::size_t n = 0; n < follow; ++n) {
            const auto next = static_cast<unsigned char>(bytes[i++]);
            if ((next & 0xC0U) != 0x80U) {
                return false;
            }
            point = (point << 6U) | (next & 0x3FU);
        }
        if (point < smallest[follow] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
            return false;
        }
    }
    return true;
}

}  // namespace tapline
