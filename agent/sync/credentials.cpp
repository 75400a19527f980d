#include "agent/sync/credentials.hpp"

#include <array>

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/error.hpp"

namespace asio = boost::asio;

namespace tapline::sync {

namespace {

constexpr int max_chain_depth = 4;

using Store = std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>;

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

void explain(ServerCheck& check, int error) {
    check.why = X509_verify_cert_error_string(error);
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        check.code = "wrong_host";
    } else if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) {
        check.code = "server_certificate_dates";
    } else {
        check.code = "wrong_authority";
    }
}

/// The roots that count: the known ones, and the pinned one out of what the server sent.
Store store_of(const ServerCheck& check, STACK_OF(X509) * sent) {
    Store store(X509_STORE_new(), &X509_STORE_free);
    for (const auto& root : check.roots) {
        X509_STORE_add_cert(store.get(), root.handle());
    }
    for (int i = 0; check.pin && i < sk_X509_num(sent); ++i) {
        X509* one = sk_X509_value(sent, i);
        X509_up_ref(one);
        if (pki::Certificate(one).fingerprint() == *check.pin) {
            X509_STORE_add_cert(store.get(), one);
        }
    }
    return store;
}

/// Instead of OpenSSL's own walk, which knows no pin.
int verify_server(X509_STORE_CTX* handshake, void* user) {
    auto& check = *static_cast<ServerCheck*>(user);
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(handshake);
    const Store store = store_of(check, sent);
    const StoreContext walk(X509_STORE_CTX_new(), &X509_STORE_CTX_free);
    X509_STORE_CTX_init(walk.get(), store.get(), X509_STORE_CTX_get0_cert(handshake), sent);
    X509_STORE_CTX_set_purpose(walk.get(), X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(walk.get());
    X509_VERIFY_PARAM_set_depth(rules, max_chain_depth);
    const int named = is_address(check.host)
                          ? X509_VERIFY_PARAM_set1_ip_asc(rules, check.host.c_str())
                          : X509_VERIFY_PARAM_set1_host(rules, check.host.c_str(), 0);
    if (!check.dates_count) {
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME);
    }
    if (named == 1 && X509_verify_cert(walk.get()) == 1) {
        return 1;
    }
    const int error =
        named == 1 ? X509_STORE_CTX_get_error(walk.get()) : X509_V_ERR_HOSTNAME_MISMATCH;
    explain(check, error);
    X509_STORE_CTX_set_error(handshake, error);
    return 0;
}

}  // namespace

TlsContext make_client_context(const Credentials& credentials, ServerCheck& check) {
    try {
        auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
        SSL_CTX* raw = context->native_handle();
        SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
        SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
        context->set_verify_mode(asio::ssl::verify_peer);
        SSL_CTX_set_cert_verify_callback(raw, &verify_server, &check);
        if (!credentials.certificate.empty()) {
            context->use_certificate_chain(asio::buffer(credentials.certificate));
            context->use_private_key(asio::buffer(credentials.key), asio::ssl::context::pem);
        }
        return context;
    } catch (const boost::system::system_error& failure) {
        throw Error(
            ErrorKind::unreachable,
            "bad_identity",
            "this device's certificate can't be used: " + failure.code().message(),
            "enrol it again: tapline-agent enroll URL --again"
        );
    }
}

}  // namespace tapline::sync
