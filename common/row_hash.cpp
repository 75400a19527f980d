#include "common/row_hash.hpp"

#include <bit>

// SHA256_Init and its like are "deprecated" in favour of EVP; they are not going away in OpenSSL 3.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "common/error.hpp"

namespace tapline {

namespace {

void append_be(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>((value >> shift) & 0xFFU));
    }
}

void append_sized(std::string& out, std::string_view bytes) {
    append_be(out, bytes.size(), 4);
    out.append(bytes);
}

struct ValueWriter {
    std::string& out;

    void operator()(std::monostate) const {}

    void operator()(std::int64_t value) const {
        out.push_back('i');
        append_be(out, 8, 4);
        append_be(out, static_cast<std::uint64_t>(value), 8);
    }

    void operator()(double value) const {
        out.push_back('r');
        append_be(out, 8, 4);
        append_be(out, std::bit_cast<std::uint64_t>(value), 8);
    }

    void operator()(const Text& value) const {
        out.push_back('t');
        append_sized(out, value.bytes);
    }

    void operator()(const Blob& value) const {
        out.push_back('b');
        append_sized(out, value.bytes);
    }
};

std::optional<unsigned> hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A') + 10;
    }
    return std::nullopt;
}

}  // namespace

// Not EVP: its first use starts all of OpenSSL 3 (configuration, providers, error texts), which
// costs an idle agent 1.8 MB of memory, and each digest a look-up.
RowHash sha256(std::string_view bytes) {
    RowHash hash{};
    SHA256_CTX context;
    const bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes.data(), bytes.size()) == 1 &&
                    SHA256_Final(hash.data(), &context) == 1;
    TAPLINE_CHECK(ok);
    return hash;
}

RowHash next_hash(const RowHash& previous, const RawPour& pour) {
    std::string message;
    message.reserve(512);
    for (const auto byte : previous) {
        message.push_back(static_cast<char>(byte));
    }
    append_be(message, static_cast<std::uint64_t>(pour.seq), 8);
    std::string_view last_name;
    for (const auto& column : pour.columns) {
        if (std::holds_alternative<std::monostate>(column.value)) {
            continue;
        }
        TAPLINE_CHECK(last_name < column.name);
        last_name = column.name;
        append_sized(message, column.name);
        std::visit(ValueWriter{message}, column.value);
    }
    return sha256(message);
}

std::string to_hex(const RowHash& hash) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(hash.size() * 2);
    for (const auto byte : hash) {
        hex.push_back(digits[byte >> 4U]);
        hex.push_back(digits[byte & 0xFU]);
    }
    return hex;
}

std::optional<RowHash> hash_from_hex(std::string_view hex) noexcept {
    RowHash hash{};
    if (hex.size() != hash.size() * 2) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const auto high = hex_digit(hex[2 * i]);
        const auto low = hex_digit(hex[2 * i + 1]);
        if (!high || !low) {
            return std::nullopt;
        }
        hash[i] = static_cast<std::uint8_t>((*high << 4U) | *low);
    }
    return hash;
}

}  // namespace tapline
