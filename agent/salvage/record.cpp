#include "agent/salvage/record.hpp"

#include <array>
#include <bit>
#include <string>

namespace tapline::salvage {

namespace {

constexpr std::array<std::size_t, 10> fixed_sizes{0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
constexpr std::uint64_t real_type = 7;
constexpr std::uint64_t first_blob_type = 12;

std::size_t size_of(std::uint64_t type) noexcept {
    return type < fixed_sizes.size() ? fixed_sizes[static_cast<std::size_t>(type)]
                                     : static_cast<std::size_t>((type - first_blob_type) / 2);
}

std::uint64_t big_endian(Bytes bytes) noexcept {
    std::uint64_t value = !bytes.empty() && bytes[0] >= 0x80 ? ~std::uint64_t{0} : 0;
    for (const auto byte : bytes) {
        value = (value << 8U) | byte;
    }
    return value;
}

Value value_of(std::uint64_t type, Bytes bytes) {
    if (type == 0) {
        return std::monostate{};
    }
    if (type == 8 || type == 9) {
        return static_cast<std::int64_t>(type - 8);
    }
    if (type == real_type) {
        return std::bit_cast<double>(big_endian(bytes));
    }
    if (type < real_type) {
        return static_cast<std::int64_t>(big_endian(bytes));
    }
    std::string text(bytes.begin(), bytes.end());
    return type % 2 == 1 ? Value(Text{std::move(text)}) : Value(Blob{std::move(text)});
}

}  // namespace

std::optional<Varint> read_varint(Bytes bytes, std::size_t at) noexcept {
    Varint result;
    while (at < bytes.size() && result.bytes < 8) {
        const auto byte = bytes[at++];
        result.value = (result.value << 7U) | (byte & 0x7FU);
        ++result.bytes;
        if (byte < 0x80) {
            return result;
        }
    }
    if (at >= bytes.size() || result.bytes < 8) {
        return std::nullopt;
    }
    result.value = (result.value << 8U) | bytes[at];
    ++result.bytes;
    return result;
}

std::optional<std::vector<Value>> decode_record(Bytes payload) {
    const auto header = read_varint(payload, 0);
    if (!header || header->value > payload.size() || header->value < header->bytes) {
        return std::nullopt;
    }
    const auto header_end = static_cast<std::size_t>(header->value);
    std::vector<Value> values;
    std::size_t value_at = header_end;
    for (std::size_t at = header->bytes; at < header_end;) {
        const auto type = read_varint(payload.first(header_end), at);
        const bool writable = type && type->value != 10 && type->value != 11 &&
                              values.size() < max_columns &&
                              (type->value < first_blob_type ||
                               (type->value - first_blob_type) / 2 <= payload.size());
        if (!writable || size_of(type->value) > payload.size() - value_at) {
            return std::nullopt;
        }
        const auto bytes = size_of(type->value);
        values.push_back(value_of(type->value, payload.subspan(value_at, bytes)));
        value_at += bytes;
        at += type->bytes;
    }
    return value_at == payload.size() && !values.empty() ? std::optional(std::move(values))
                                                         : std::nullopt;
}

}  // namespace tapline::salvage
