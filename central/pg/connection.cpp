#include "central/pg/connection.hpp"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::pg {

namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

struct Setting {
    std::string name;
    std::string value;
};

Error unreachable(const std::string& message) {
    return {
        ErrorKind::unreachable,
        "connect_failed",
        fmt::format(
            "can't connect to PostgreSQL: {}", message.substr(0, message.find_last_not_of('\n') + 1)
        ),
        "check that the server runs, and that DATABASE_URL names it"};
}

/// What the URL says, by keyword. libpq reads URIs and key=value strings alike.
std::vector<Setting> parse(const std::string& url) {
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
        PQconninfoParse(url.c_str(), &message)
    );
    if (!parsed) {
        // libpq's message quotes what it couldn't read, which may be the password.
        PQfreemem(message);
        throw Error(
            ErrorKind::usage,
            "database_url",
            "the database's URL can't be read",
            "write it as postgresql://user:password@host:5432/database"
        );
    }
    std::vector<Setting> settings;
    for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            settings.push_back({option->keyword, option->val});
        }
    }
    return settings;
}

void add_unless_set(std::vector<Setting>& settings, std::string name, std::string value) {
    for (const Setting& setting : settings) {
        if (setting.name == name) {
            return;
        }
    }
    settings.push_back({std::move(name), std::move(value)});
}

std::vector<Setting> settings_of(const ConnectOptions& options) {
    std::vector<Setting> settings = parse(options.url);
    add_unless_set(settings, "application_name", options.application_name);
    add_unless_set(settings, "client_encoding", "UTF8");
    add_unless_set(settings, "connect_timeout", std::to_string(options.connect_timeout.count()));
    add_unless_set(settings, "tcp_user_timeout", std::to_string(options.tcp_user_timeout.count()));
    add_unless_set(settings, "keepalives_idle", "10");
    add_unless_set(settings, "keepalives_interval", "5");
    add_unless_set(settings, "keepalives_count", "3");
    return settings;
}

/// Two arrays, as libpq wants them.
class Keywords {
  public:
    explicit Keywords(const ConnectOptions& options) : settings_(settings_of(options)) {
        for (const Setting& setting : settings_) {
            names_.push_back(setting.name.c_str());
            values_.push_back(setting.value.c_str());
        }
        names_.push_back(nullptr);
        values_.push_back(nullptr);
    }

    [[nodiscard]] const char* const* names() const noexcept { return names_.data(); }

    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }

  private:
    std::vector<Setting> settings_;
    std::vector<const char*> names_;
    std::vector<const char*> values_;
};

}  // namespace

bool accepts_connections(const ConnectOptions& options) {
    const Keywords keywords(options);
    return PQpingParams(keywords.names(), keywords.values(), 0) == PQPING_OK;
}

Connection::Connection(const ConnectOptions& options) {
    const Keywords keywords(options);
    handle_.reset(PQconnectdbParams(keywords.names(), keywords.values(), 0));
    if (!handle_) {
        throw std::bad_alloc();
    }
    if (PQstatus(handle()) != CONNECTION_OK) {
        throw unreachable(PQerrorMessage(handle()));
    }
    PQsetNoticeProcessor(
        handle(), [](void*, const char*) {}, nullptr
    );
    cancel_.reset(PQgetCancel(handle()));
}

void Connection::cancel() noexcept {
    std::array<char, 256> message{};
    if (cancel_) {
        // A failure means that the server is gone, which the session's own thread finds out.
        (void)PQcancel(cancel_.get(), message.data(), static_cast<int>(message.size()));
    }
}

}  // namespace tapline::pg
