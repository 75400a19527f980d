// Keys, certificates and certificate requests of the fleet: ECDSA on P-256, PEM outside. No files,
// no sockets, no clock. docs/trust.md says what is signed by whom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/row_hash.hpp"

struct evp_pkey_st;
struct x509_st;
struct X509_req_st;

namespace tapline::pki {

inline constexpr std::size_t max_certificates_per_text = 16;
inline constexpr std::size_t max_request_bytes = 4'096;      ///< of a request's PEM
inline constexpr std::size_t max_bundle_bytes = 32 * 1'024;  ///< of a chain's PEM

/// Ours to throw for what OpenSSL refused; never holds key material.
[[noreturn]] void fail(const std::string& code, const std::string& what, const std::string& hint);

/// A private key. Only files of mode 0600 and memory may hold it.
class Key {
  public:
    [[nodiscard]] static Key generate();
    /// The first private key of the text. Error{usage, "bad_key"}: none, encrypted, or not P-256.
    [[nodiscard]] static Key from_pem(const std::string& text);
    /// PKCS #8, not encrypted.
    [[nodiscard]] std::string pem() const;
    /// SHA-256 of the SubjectPublicKeyInfo.
    [[nodiscard]] RowHash public_hash() const;

    [[nodiscard]] evp_pkey_st* handle() const noexcept { return key_.get(); }

  private:
    explicit Key(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

    std::shared_ptr<evp_pkey_st> key_;
};

class Certificate {
  public:
    /// Takes the certificate over.
    explicit Certificate(x509_st* owned);
    /// The first one of the text; Error{usage, "bad_certificate"}.
    [[nodiscard]] static Certificate from_pem(const std::string& text);
    /// All of the text, at most max_certificates_per_text; empty when there is none.
    [[nodiscard]] static std::vector<Certificate> all_from_pem(const std::string& text);

    [[nodiscard]] std::string pem() const;
    /// SHA-256 of the DER form, as `openssl x509 -fingerprint -sha256` shows it.
    [[nodiscard]] RowHash fingerprint() const;
    [[nodiscard]] RowHash public_hash() const;
    [[nodiscard]] std::string serial() const;       ///< hex, lower case
    [[nodiscard]] std::string common_name() const;  ///< empty: none
    /// Names and addresses of the subjectAltName.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] UtcTime not_before() const;
    [[nodiscard]] UtcTime not_after() const;
    [[nodiscard]] bool is_authority() const;
    [[nodiscard]] bool is_signed_by(const Certificate& issuer) const;

    [[nodiscard]] x509_st* handle() const noexcept { return certificate_.get(); }

  private:
    std::shared_ptr<x509_st> certificate_;
};

/// PKCS #10: a public key and the proof that its private half was there.
class Request {
  public:
    /// As PEM. Its subject means nothing: who gets the certificate is central's to say.
    [[nodiscard]] static std::string make(const Key& key);
    /// Error{protocol, "bad_request"}: not one, its signature is wrong, or its key isn't P-256.
    [[nodiscard]] static Request from_pem(const std::string& text);
    [[nodiscard]] RowHash public_hash() const;

    [[nodiscard]] X509_req_st* handle() const noexcept { return request_.get(); }

  private:
    explicit Request(std::shared_ptr<X509_req_st> request) : request_(std::move(request)) {}

    std::shared_ptr<X509_req_st> request_;
};

/// Upper bound chosen by the caller; letters and digits without those that read alike.
[[nodiscard]] std::string random_code(std::size_t chars);

}  // namespace tapline::pki
