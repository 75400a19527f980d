#include "agent/service/served.hpp"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::service {

Served::Served(const std::string& named, Wiring wiring, sync::SyncOptions options)
    : file(named),
      transport(wiring.central, {}, std::move(wiring.trust)),
      store(std::move(wiring.storage), [named] { return journal::Journal::open(named); }),
      syncer(std::move(options), sync::Syncer::Seams{wiring.clock, transport, store}) {}

Trust::Trust(
    const std::string& state_dir,
    identity::Identity identity,
    const sync::CentralAddress& central,
    Clock& clock
)
    : time(clock, &clock_synchronized, std::filesystem::path(state_dir) / "time"),
      renewer(state_dir, std::move(identity), clock, time),
      transport(central, {}, for_transport()) {}

sync::TransportTrust Trust::for_transport() {
    sync::TransportTrust trust;
    trust.credentials = [this] { return renewer.credentials(); };
    trust.dates_count = [this] { return time.dates_count(); };
    return trust;
}

std::unique_ptr<Trust> find_trust(const Settings& settings, Clock& clock) {
    const auto central = sync::parse_central_url(settings.central);
    if (!central.tls) {
        return nullptr;
    }
    auto identity = identity::load(settings.state_dir);
    if (!identity) {
        throw Error(
            ErrorKind::refused,
            "not_enrolled",
            fmt::format("this device has no certificate in {}", settings.state_dir),
            fmt::format("enrol it: tapline-agent enroll {}", settings.central)
        );
    }
    return std::make_unique<Trust>(settings.state_dir, std::move(*identity), central, clock);
}

}  // namespace tapline::service
