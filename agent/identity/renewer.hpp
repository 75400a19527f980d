// Keeps this device's certificate alive: asks for the next one at half life, and whenever central
// says that the present one has ended.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/identity/central_clock.hpp"
#include "agent/identity/identity.hpp"
#include "agent/sync/client.hpp"
#include "agent/sync/signal.hpp"

namespace tapline::identity {

class Renewer {
  public:
    /// Clocks and transport outlive this. `transport` shows what credentials() gives.
    Renewer(std::filesystem::path directory, Identity identity, Clock& clock, CentralClock& time);

    /// The newest ones.
    [[nodiscard]] std::shared_ptr<const sync::Credentials> credentials() const {
        return identity_.credentials;
    }

    [[nodiscard]] const Identity& identity() const noexcept { return identity_; }

    /// Ends after stop().
    [[nodiscard]] boost::asio::awaitable<void> run(
        sync::Transport& transport, std::string agent_version
    );
    void stop();
    /// Central wants it now.
    void wanted();

    /// When the next one is asked for: the middle of the certificate's life.
    [[nodiscard]] UtcTime due() const noexcept { return due_; }

  private:
    [[nodiscard]] boost::asio::awaitable<bool> renew(sync::Client& client);
    void take(const wire::Enrolled& enrolled);

    std::filesystem::path directory_;
    Identity identity_;
    Clock& clock_;
    CentralClock& time_;
    sync::Signal wake_;
    UtcTime due_;
    std::chrono::milliseconds pause_{};
    bool wanted_ = false;
    bool stopping_ = false;
};

}  // namespace tapline::identity
