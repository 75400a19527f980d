// SHA-256 of bytes that come piece by piece; of one text see sha256() in row_hash.hpp.
#pragma once

#include <memory>
#include <string_view>

#include "common/row_hash.hpp"

namespace tapline {

class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    void add(std::string_view bytes);
    /// Of all that was added; nothing may be added afterwards.
    [[nodiscard]] RowHash finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tapline
