#include "central/trust/authority.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::trust {

namespace {

constexpr std::size_t max_names = 32;
constexpr std::size_t max_name_chars = 253;
constexpr int serial_bits = 127;  // positive, 16 bytes (RFC 5280: at most 20)

struct Validity {
    UtcTime from;
    UtcTime until;
};

void set_time(ASN1_TIME* field, UtcTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    TAPLINE_CHECK(ASN1_TIME_set(field, static_cast<time_t>(seconds)) != nullptr);
}

void set_serial(X509* certificate) {
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(BN_new(), &BN_free);
    TAPLINE_CHECK(BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
    ASN1_INTEGER* serial = X509_get_serialNumber(certificate);
    TAPLINE_CHECK(BN_to_ASN1_INTEGER(number.get(), serial) != nullptr);
}

void set_name(X509_NAME* name, const std::string& text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const int size = static_cast<int>(text.size());
    TAPLINE_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, size, -1, 0) == 1);
}

/// issuer nullptr: the certificate is its own.
void add(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(
        &context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0
    );
    X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str());
    TAPLINE_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

X509* begin(EVP_PKEY* subject_key, const std::string& name, Validity validity) {
    X509* certificate = X509_new();
    TAPLINE_CHECK(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
    set_serial(certificate);
    set_time(X509_getm_notBefore(certificate), validity.from);
    set_time(X509_getm_notAfter(certificate), validity.until);
    set_name(X509_get_subject_name(certificate), name);
    TAPLINE_CHECK(X509_set_pubkey(certificate, subject_key) == 1);
    return certificate;
}

pki::Certificate sign_leaf(X509* certificate, const Authority& authority, const char* usage) {
    X509* root = authority.root.handle();
    X509_set_issuer_name(certificate, X509_get_subject_name(root));
    add(certificate, root, NID_basic_constraints, "critical,CA:FALSE");
    add(certificate, root, NID_key_usage, "critical,digitalSignature");
    add(certificate, root, NID_ext_key_usage, usage);
    add(certificate, root, NID_subject_key_identifier, "hash");
    add(certificate, root, NID_authority_key_identifier, "keyid:always");
    TAPLINE_CHECK(X509_sign(certificate, authority.key.handle(), EVP_sha256()) > 0);
    return pki::Certificate(certificate);
}

bool is_address(const std::string& name) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

bool is_host(const std::string& name) {
    const auto plain = name.starts_with("*.") ? name.substr(2) : name;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    };
    return !plain.empty() && plain.size() <= max_name_chars &&
           std::all_of(plain.begin(), plain.end(), fits) && plain.front() != '.' &&
           plain.find("..") == std::string::npos;
}

/// "DNS:a,IP:b"; the names hold neither ',' nor ':' but in an IPv6 address, which OpenSSL expects.
std::string alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        const bool address = is_address(name);
        if (!address && !is_host(name)) {
            throw Error(
                ErrorKind::usage,
                "bad_name",
                fmt::format("'{}' is neither a host name nor an IP address", printable(name, 80)),
                "give the name that agents connect to: --name central.example --name 10.0.0.5"
            );
        }
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", address ? "IP" : "DNS", name);
    }
    if (names.empty() || names.size() > max_names) {
        throw Error(
            ErrorKind::usage,
            "bad_name",
            fmt::format("{} names for the server's certificate", names.size()),
            fmt::format("give --name, at least once and at most {} times", max_names)
        );
    }
    return text;
}

}  // namespace

Authority make_authority(pki::Key key, UtcTime now) {
    const Validity validity{now - backdated, now + root_lifetime};
    X509* root = begin(key.handle(), "tapline fleet " + pki::random_code(8), validity);
    X509_set_issuer_name(root, X509_get_subject_name(root));
    add(root, nullptr, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add(root, nullptr, NID_key_usage, "critical,keyCertSign,cRLSign");
    add(root, nullptr, NID_subject_key_identifier, "hash");
    TAPLINE_CHECK(X509_sign(root, key.handle(), EVP_sha256()) > 0);
    return {std::move(key), pki::Certificate(root)};
}

pki::Certificate issue_server(
    const Authority& authority,
    const pki::Key& key,
    const std::vector<std::string>& names,
    UtcTime now
) {
    const std::string alternatives = alternative_names(names);
    const auto until = std::min(now + server_lifetime, authority.root.not_after());
    X509* certificate = begin(key.handle(), "tapline central", {now - backdated, until});
    add(certificate, nullptr, NID_subject_alt_name, alternatives);
    return sign_leaf(certificate, authority, "serverAuth");
}

pki::Certificate issue_client(
    const Authority& authority,
    const pki::Request& request,
    const std::string& name,
    UtcTime now,
    std::chrono::seconds lifetime
) {
    const auto until = std::min<UtcTime>(now + lifetime, authority.root.not_after());
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.handle());
    X509* certificate = begin(key, name, {now - backdated, until});
    return sign_leaf(certificate, authority, "clientAuth");
}

}  // namespace tapline::trust
