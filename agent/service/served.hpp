// What serves one journal, and this device's certificate. Nothing here moves: the parts point at
// each other.
#pragma once

#include <memory>
#include <string>

#include "agent/identity/central_clock.hpp"
#include "agent/identity/renewer.hpp"
#include "agent/service/settings.hpp"
#include "agent/sync/https_transport.hpp"
#include "agent/sync/store.hpp"
#include "agent/sync/syncer.hpp"

namespace tapline::service {

struct Served {
    struct Wiring {
        const sync::CentralAddress& central;
        sync::TransportTrust trust;
        boost::asio::any_io_executor storage;
        Clock& clock;
    };

    Served(const std::string& file, Wiring wiring, sync::SyncOptions options);

    std::string file;  ///< as the settings name it
    sync::HttpsTransport transport;
    sync::Store store;
    sync::Syncer syncer;
    int generation = 0;    ///< of the settings that it runs by
    bool leaving = false;  ///< told to end, the agent stays
    bool ended = false;
    std::int64_t trimmed_at = 0;  ///< acked pours when memory was given back last
};

/// This device's certificate and what keeps it alive; its own connection to central.
struct Trust {
    Trust(
        const std::string& state_dir,
        identity::Identity identity,
        const sync::CentralAddress& central,
        Clock& clock
    );

    [[nodiscard]] sync::TransportTrust for_transport();

    identity::CentralClock time;
    identity::Renewer renewer;
    sync::HttpsTransport transport;
    bool ended = false;
};

/// nullptr for plain http. Throws Error{usage} for an address that is none, Error{refused,
/// "not_enrolled"} and those of identity::load.
[[nodiscard]] std::unique_ptr<Trust> find_trust(const Settings& settings, Clock& clock);

}  // namespace tapline::service
