#include "central/gateway/server_tls.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "common/error.hpp"
#include "common/pki.hpp"

namespace asio = boost::asio;

namespace tapline::gateway {

namespace {

constexpr const char* ciphers_of_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305";
/// A device's certificate and the root, with room for a change of the root.
constexpr int max_chain_depth = 3;
constexpr long max_chain_bytes = 16 * 1024;

asio::const_buffer bytes_of(const std::string& text) {
    return asio::buffer(text.data(), text.size());
}

}  // namespace

TlsContext make_context(const ServerTls& tls) {
    try {
        auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
        SSL_CTX* raw = context->native_handle();
        SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(raw, ciphers_of_1_2);
        SSL_CTX_set_options(
            raw, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
        );
        SSL_CTX_set_num_tickets(raw, 0);
        SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_max_cert_list(raw, max_chain_bytes);
        SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
        context->use_certificate_chain(bytes_of(tls.chain));
        context->use_private_key(bytes_of(tls.key), asio::ssl::context::pem);
        context->add_certificate_authority(bytes_of(tls.roots));
        for (const auto& root : pki::Certificate::all_from_pem(tls.roots)) {
            SSL_CTX_add_client_CA(raw, root.handle());
        }
        context->set_verify_mode(asio::ssl::verify_peer);
        context->set_verify_depth(max_chain_depth);
        return context;
    } catch (const boost::system::system_error& failure) {
        throw Error(
            ErrorKind::usage,
            "tls_files",
            fmt::format("the certificates can't be used: {}", failure.code().message()),
            "`tapline-central tls show` tells what the files hold"
        );
    }
}

bool look_at(bool good, asio::ssl::verify_context& context, bool& foreign) noexcept {
    if (good) {
        return true;
    }
    X509_STORE_CTX* raw = context.native_handle();
    const bool ended = X509_STORE_CTX_get_error(raw) == X509_V_ERR_CERT_HAS_EXPIRED &&
                       X509_STORE_CTX_get_error_depth(raw) == 0;
    foreign = foreign || !ended;
    return true;
}

http::Peer peer_of(SSL* connection, bool foreign) {
    http::Peer peer;
    peer.tls = true;
    X509* raw = SSL_get1_peer_certificate(connection);
    if (raw == nullptr) {
        return peer;
    }
    const pki::Certificate certificate(raw);
    peer.certificate = http::Peer::Certificate::foreign;
    if (foreign) {
        return peer;
    }
    peer.certificate = http::Peer::Certificate::ours;
    peer.name = certificate.common_name();
    peer.serial = certificate.serial();
    peer.fingerprint = to_hex(certificate.fingerprint());
    peer.key_hash = to_hex(certificate.public_hash());
    peer.not_after_ms = certificate.not_after().time_since_epoch().count();
    return peer;
}

}  // namespace tapline::gateway
