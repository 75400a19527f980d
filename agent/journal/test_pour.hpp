// A pour without beer that a technician writes to see whether pours get through
// (common/test_pour.hpp): written as the tap's program writes them, so that it takes the same way.
#pragma once

#include <cstdint>
#include <string>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

struct TestPour {
    Seq seq = 0;
    std::string client_tx_id;
};

class TestPours {
  public:
    /// An adopted journal, of which this process is the owner. From here on the connection syncs
    /// each COMMIT (synchronous=FULL), as a tap's program should.
    explicit TestPours(Database& database);

    /// By the INSERT of the newest release of the tap's program (gen8), status `new`, one
    /// transaction. Throws storage*.
    TestPour write(std::int64_t tap_id);

    /// The same with every column that an endpoint of any release asks for (begin and end as `utc`,
    /// a length of 1 s), so that none refuses the whole request for want of one.
    TestPour write_for_every_release(std::int64_t tap_id, const std::string& utc);

    /// tap_id of the newest pour that has one; 1 when there is none.
    [[nodiscard]] std::int64_t usual_tap();
    [[nodiscard]] std::string status(Seq seq);
    [[nodiscard]] bool acked(Seq seq);
    /// new -> held, as the agent does it: while a row is `new`, a tap of the releases since 2026-02
    /// refuses to pour. False when it isn't `new` any more.
    bool hold(Seq seq);
    /// Those that somebody who was killed left `new`, the newest 100 at most; how many.
    std::int64_t hold_leftovers();

  private:
    TestPour write_by(Statement& insert, std::int64_t tap_id);

    Database& database_;
    Statement insert_;
    Statement usual_tap_;
    Statement status_;
    Statement acked_;
    Statement hold_;
};

}  // namespace tapline::journal
