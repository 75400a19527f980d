// The oracle of a storm: a plain list of what the taps' programs poured, and what of it COMMIT
// promised, held against central's tables and the journals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::test {

struct PourTry {
    std::string id;
    int device = 0;  ///< its tap and its keg
    int guest = 0;
    std::int64_t volume_ml = 0;
};

/// One journal as it is after the storm.
struct JournalAfter {
    int device = 0;
    std::string journal_id;
    std::filesystem::path file;
};

class Ledger {
  public:
    void tried(const PourTry& pour) { tries_[pour.id] = {pour, false}; }

    /// COMMIT told the tap's program that it is there.
    void promised(const std::string& id) {
        tries_.at(id).promised = true;
        ++promised_;
    }

    [[nodiscard]] std::int64_t promises() const noexcept { return promised_; }

    [[nodiscard]] std::int64_t tries() const noexcept {
        return static_cast<std::int64_t>(tries_.size());
    }

    /// All that is wrong at central, in words, the first `most` of each kind: a promised pour that
    /// isn't there, one that nobody poured or that differs, a receipt too many or too few, money
    /// or beer that doesn't balance, anything in quarantine but what a salvage couldn't decide.
    [[nodiscard]] std::vector<std::string> wrong_at_central(pg::Session& session) const;

    /// The same for a journal that nobody has open: damage, a promised pour that is missing, a row
    /// that central doesn't have, one that the tap still waits for, a cursor that isn't central's.
    [[nodiscard]] std::vector<std::string> wrong_in(
        const JournalAfter& journal, pg::Session& session
    ) const;

  private:
    struct Entry {
        PourTry pour;
        bool promised = false;
    };

    /// What a salvage may leave to an operator: its own note, and a pour that COMMIT never
    /// promised.
    [[nodiscard]] bool may_be_kept_back(const std::string& id) const;

    std::map<std::string, Entry> tries_;
    std::int64_t promised_ = 0;
};

}  // namespace tapline::test
