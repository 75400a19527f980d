// An authority, a server's certificate and as many devices' as a test wants.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/sync/credentials.hpp"
#include "central/gateway/server_tls.hpp"
#include "central/trust/authority.hpp"
#include "common/clock.hpp"
#include "common/pki.hpp"

namespace tapline::test {

inline constexpr auto day = std::chrono::hours(24);

inline UtcTime now() {
    return SystemClock().now_utc();
}

/// An authority with a server that has its own key.
struct Fleet {
    explicit Fleet(UtcTime server_from = now(), std::vector<std::string> names = {"127.0.0.1"})
        : authority(trust::make_authority(pki::Key::generate(), server_from)),
          key(pki::Key::generate()),
          server(trust::issue_server(authority, key, names, server_from)) {}

    [[nodiscard]] gateway::ServerTls tls() const {
        return {key.pem(), server.pem() + authority.root.pem(), authority.root.pem()};
    }

    [[nodiscard]] std::shared_ptr<sync::Credentials> device(
        const std::string& name, UtcTime from = now(), std::chrono::seconds lifetime = 90 * day
    ) const {
        const auto made = pki::Key::generate();
        const auto request = pki::Request::from_pem(pki::Request::make(made));
        auto shown = std::make_shared<sync::Credentials>();
        shown->key = made.pem();
        shown->certificate = trust::issue_client(authority, request, name, from, lifetime).pem();
        shown->roots = authority.root.pem();
        return shown;
    }

    /// What a device has that isn't enrolled.
    [[nodiscard]] std::shared_ptr<sync::Credentials> stranger() const {
        auto shown = std::make_shared<sync::Credentials>();
        shown->roots = authority.root.pem();
        return shown;
    }

    trust::Authority authority;
    pki::Key key;
    pki::Certificate server;
};

}  // namespace tapline::test
