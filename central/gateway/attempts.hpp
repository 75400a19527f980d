// How many wrong codes one address may try. In memory of one instance: the code's own limit, which
// the database keeps, is what counts; this only keeps a guesser from filling the log.
#pragma once

#include <map>
#include <string>

#include "common/clock.hpp"

namespace tapline::gateway {

class Attempts {
  public:
    static constexpr int max_failures = 10;
    static constexpr std::chrono::milliseconds window{60'000};
    static constexpr std::size_t max_addresses = 1'024;

    [[nodiscard]] bool may_try(const std::string& address, MonoTime now) const;
    void failed(const std::string& address, MonoTime now);

  private:
    struct Record {
        int failures = 0;
        MonoTime since;
    };

    std::map<std::string, Record> records_;
};

}  // namespace tapline::gateway
