// What this device shows to central and what it believes of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/pki.hpp"
#include "common/tls_stream.hpp"

namespace tapline::sync {

/// PEM texts; never changed once made. Without key and certificate: a device that enrols.
struct Credentials {
    std::string key;
    std::string certificate;
    std::string roots;           ///< who may sign central's certificate
    std::optional<RowHash> pin;  ///< or: the root that central sends along has this fingerprint
};

/// The newest ones; a transport that sees others than it connected with connects anew.
using CredentialSource = std::function<std::shared_ptr<const Credentials>()>;

/// How central's certificate is judged in one handshake.
struct ServerCheck {
    std::string host;
    std::vector<pki::Certificate> roots;
    std::optional<RowHash> pin;
    /// False while this device's clock isn't synchronized: then an end that has passed, or a
    /// beginning that hasn't, is no reason to refuse a server of our own authority.
    bool dates_count = true;

    // Why not, after a handshake that failed; empty: it wasn't the certificate.
    std::string code;
    std::string why;
};

/// A client's context; `check` outlives every connection made from it. Nothing but our own
/// authority is believed, in particular not the system's list.
[[nodiscard]] TlsContext make_client_context(const Credentials& credentials, ServerCheck& check);

}  // namespace tapline::sync
