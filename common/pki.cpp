#include "common/pki.hpp"

#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "common/error.hpp"

namespace tapline::pki {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

/// An encrypted key must not make OpenSSL ask on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
    return -1;
}

Bio reader_of(const std::string& text) {
    Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    TAPLINE_CHECK(bio != nullptr);
    return bio;
}

template <typename Write>
std::string written(Write write) {
    Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    TAPLINE_CHECK(bio != nullptr && write(bio.get()) == 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

template <typename Object>
std::string der_of(const Object* object, int (*encode)(const Object*, unsigned char**)) {
    unsigned char* bytes = nullptr;
    const int size = encode(object, &bytes);
    TAPLINE_CHECK(size > 0);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
    std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

bool is_p256(EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    const bool known = key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                       EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1;
    ERR_clear_error();
    return known && std::string(group.data()) == "prime256v1";
}

UtcTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    TAPLINE_CHECK(ASN1_TIME_to_tm(time, &parts) == 1);
    return UtcTime(std::chrono::seconds(::timegm(&parts)));
}

/// 4 or 16 bytes as a person writes the address.
std::string address_text(const std::string& bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    const bool sane = bytes.size() == 4 || bytes.size() == 16;
    return sane && ::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr
               ? std::string(text.data())
               : std::string("?");
}

RowHash key_hash(EVP_PKEY* key) {
    return sha256(der_of<EVP_PKEY>(key, &i2d_PUBKEY));
}

}  // namespace

void fail(const std::string& code, const std::string& what, const std::string& hint) {
    ERR_clear_error();
    throw Error(ErrorKind::usage, code, what, hint);
}

Key Key::generate() {
    std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    TAPLINE_CHECK(key != nullptr);
    return Key(std::move(key));
}

Key Key::from_pem(const std::string& text) {
    const Bio bio = reader_of(text);
    std::shared_ptr<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr), &EVP_PKEY_free
    );
    if (!is_p256(key.get())) {
        fail(
            "bad_key",
            "there is no private key on P-256 in it, or it is encrypted",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one"
        );
    }
    return Key(std::move(key));
}

std::string Key::pem() const {
    return written([this](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(
            bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr
        );
    });
}

RowHash Key::public_hash() const {
    return key_hash(key_.get());
}

Certificate::Certificate(x509_st* owned) : certificate_(owned, &X509_free) {}

Certificate Certificate::from_pem(const std::string& text) {
    const auto all = all_from_pem(text);
    if (all.empty()) {
        fail(
            "bad_certificate",
            "there is no certificate in it",
            "a PEM file begins with -----BEGIN CERTIFICATE-----"
        );
    }
    return all.front();
}

std::vector<Certificate> Certificate::all_from_pem(const std::string& text) {
    std::vector<Certificate> all;
    const Bio bio = reader_of(text);
    while (all.size() < max_certificates_per_text) {
        X509* one = PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr);
        if (one == nullptr) {
            break;
        }
        all.emplace_back(one);
    }
    ERR_clear_error();
    return all;
}

std::string Certificate::pem() const {
    return written([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
}

RowHash Certificate::fingerprint() const {
    return sha256(der_of<X509>(certificate_.get(), &i2d_X509));
}

RowHash Certificate::public_hash() const {
    return key_hash(X509_get0_pubkey(certificate_.get()));
}

std::string Certificate::serial() const {
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate_.get()), nullptr), &BN_free
    );
    TAPLINE_CHECK(number != nullptr);
    char* hex = BN_bn2hex(number.get());
    std::string text(hex);
    OPENSSL_free(hex);
    for (char& c : text) {
        c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

std::string Certificate::common_name() const {
    std::array<char, 128> name{};
    const int size = X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate_.get()), NID_commonName, name.data(), name.size()
    );
    return size <= 0 ? std::string() : std::string(name.data(), static_cast<std::size_t>(size));
}

std::vector<std::string> Certificate::names() const {
    std::vector<std::string> names;
    auto* found = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr)
    );
    for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
        const ASN1_STRING* text = name->type == GEN_IPADD ? name->d.iPAddress : name->d.dNSName;
        if (name->type != GEN_DNS && name->type != GEN_IPADD) {
            continue;
        }
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
        const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
        std::string value(bytes, static_cast<std::size_t>(ASN1_STRING_length(text)));
        if (name->type == GEN_IPADD) {
            value = address_text(value);
        }
        names.push_back(std::move(value));
    }
    GENERAL_NAMES_free(found);
    return names;
}

UtcTime Certificate::not_before() const {
    return time_of(X509_get0_notBefore(certificate_.get()));
}

UtcTime Certificate::not_after() const {
    return time_of(X509_get0_notAfter(certificate_.get()));
}

bool Certificate::is_authority() const {
    return X509_check_ca(certificate_.get()) == 1;
}

bool Certificate::is_signed_by(const Certificate& issuer) const {
    const int result = X509_verify(certificate_.get(), X509_get0_pubkey(issuer.handle()));
    ERR_clear_error();
    return result == 1;
}

std::string Request::make(const Key& key) {
    const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(
        X509_REQ_new(), &X509_REQ_free
    );
    TAPLINE_CHECK(request != nullptr);
    TAPLINE_CHECK(X509_REQ_set_pubkey(request.get(), key.handle()) == 1);
    TAPLINE_CHECK(X509_REQ_sign(request.get(), key.handle(), EVP_sha256()) > 0);
    return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

Request Request::from_pem(const std::string& text) {
    const Bio bio = reader_of(text);
    std::shared_ptr<X509_REQ> request(
        PEM_read_bio_X509_REQ(bio.get(), nullptr, &no_passphrase, nullptr), &X509_REQ_free
    );
    EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
    const bool good = is_p256(key) && X509_REQ_verify(request.get(), key) == 1;
    ERR_clear_error();
    if (!good) {
        throw Error(
            ErrorKind::protocol,
            "bad_request",
            "this isn't a certificate request on P-256 that its own key has signed"
        );
    }
    return Request(std::move(request));
}

RowHash Request::public_hash() const {
    return key_hash(X509_REQ_get0_pubkey(request_.get()));
}

std::string random_code(std::size_t chars) {
    // Crockford's base 32: no I, L, O, U; 5 bits each, and 32 divides 256.
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string code(chars, '0');
    std::vector<unsigned char> random(chars);
    TAPLINE_CHECK(RAND_priv_bytes(random.data(), static_cast<int>(chars)) == 1);
    for (std::size_t i = 0; i < chars; ++i) {
        code[i] = alphabet[random[i] % alphabet.size()];
    }
    return code;
}

}  // namespace tapline::pki
