// A pour of the journal as JSON and as a line for people.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/journal/pour_view.hpp"

namespace tapline::cli {

/// Card numbers are personal data: what leaves the device gets names for them that say nothing.
class CardNames {
  public:
    /// masked: false: as they are.
    explicit CardNames(bool masked);

    /// With a salt that is thrown away with this object: a card has 32 bits, so without one its
    /// hash could be searched through in seconds. One card has one name as long as this lives.
    [[nodiscard]] Value shown(const Value& card) const;

  private:
    std::string salt_;  ///< empty: not masked
};

/// seq, status, attempts, standing and every column that isn't NULL; bytes that aren't text become
/// {"b64", "type"} as on the wire.
[[nodiscard]] nlohmann::json pour_json(
    const journal::SeenPour& seen, Seq acked_through, const CardNames& cards
);

[[nodiscard]] std::string pour_heading();
[[nodiscard]] std::string pour_line(
    const journal::SeenPour& seen, Seq acked_through, const CardNames& cards
);

/// A cell for people: "" for NULL, printable, at most 60 characters.
[[nodiscard]] std::string cell_text(const Value* value);

}  // namespace tapline::cli
