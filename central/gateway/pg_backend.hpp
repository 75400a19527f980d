// The Backend over PostgreSQL: settles through the Settler, says hello through a few sessions.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "central/fleet/enrollment.hpp"
#include "central/gateway/backend.hpp"
#include "central/pg/session.hpp"

namespace tapline::gateway {

/// nullopt while the schema is one that this program settles into, else why it isn't. Throws as
/// pg::Session does.
using SchemaCheck = std::function<std::optional<std::string>(pg::Session&)>;

struct PgBackendOptions {
    std::string database_url;
    std::shared_ptr<const fleet::Issuer> issuer;  ///< nullptr: nobody can enrol here
    SchemaCheck schema_check;                     ///< asked by `/readyz`; may be empty
    std::size_t hello_sessions = 2;  ///< threads, and at most as many connections, that say hello;
                                     ///< opened at need and dropped after a failure
};

class PgBackend final : public Backend {
  public:
    /// `settler` outlives this.
    PgBackend(settle::Settler& settler, PgBackendOptions options);
    ~PgBackend() override;

    [[nodiscard]] boost::asio::awaitable<settle::Outcome> pours(
        std::string controller, wire::Batch batch
    ) override;
    [[nodiscard]] boost::asio::awaitable<HelloOutcome> hello(
        std::string controller, wire::Hello hello
    ) override;
    [[nodiscard]] boost::asio::awaitable<EpochOutcome> epoch(
        std::string controller, std::string journal_id, wire::EpochRequest request
    ) override;
    [[nodiscard]] boost::asio::awaitable<AdmitOutcome> admit(fleet::Caller caller, bool fresh)
        override;
    [[nodiscard]] boost::asio::awaitable<EnrollOutcome> enroll(
        wire::EnrollRequest request, std::string address
    ) override;
    [[nodiscard]] boost::asio::awaitable<EnrollOutcome> renew(
        fleet::Caller caller, wire::RenewRequest request
    ) override;
    [[nodiscard]] boost::asio::awaitable<std::optional<wire::Problem>> obstacle() override;

    /// Questions to the database, but for batches, that wait or are being answered.
    [[nodiscard]] std::size_t waiting() const noexcept {
        return static_cast<std::size_t>(waiting_.load());
    }

    /// For requests that come from now on.
    void use(std::shared_ptr<const fleet::Issuer> issuer);

  private:
    struct Remembered {
        fleet::Standing standing;
        MonoTime until;
    };

    /// Runs work(session) on a thread; not_ready while PostgreSQL is away.
    template <typename Outcome, typename Work>
    [[nodiscard]] boost::asio::awaitable<Outcome> ask(std::string what, Work work);
    template <typename Outcome, typename Work>
    [[nodiscard]] Outcome with_session(const std::string& what, Work& work);
    [[nodiscard]] std::shared_ptr<const fleet::Issuer> issuer();
    [[nodiscard]] std::optional<fleet::Standing> remembered(const fleet::Caller& caller);
    void remember(const fleet::Caller& caller, fleet::Standing standing);
    [[nodiscard]] std::optional<wire::Problem> look_at_schema();
    [[nodiscard]] std::unique_ptr<pg::Session> take_session();
    void give_back(std::unique_ptr<pg::Session> session);

    settle::Settler& settler_;
    PgBackendOptions options_;
    SystemClock clock_;
    std::mutex mutex_;
    std::map<RowHash, Remembered> standings_;
    std::vector<std::unique_ptr<pg::Session>> sessions_;
    std::atomic<int> waiting_{0};
    boost::asio::thread_pool threads_;  // last: its jobs use everything above
};

}  // namespace tapline::gateway
