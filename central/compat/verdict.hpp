// What becomes of a hello or a batch, by the wire and the journal's revision that it comes with.
// Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace tapline::compat {

/// Places are those of tapline.journal_revision; nullopt: central doesn't know that revision.
struct Shape {
    bool wire_spoken = true;           ///< a version of the wire is common to both
    bool retired = false;              ///< the controller was written off
    std::optional<std::int64_t> now;   ///< the journal's revision, by its last hello
    std::optional<std::int64_t> rows;  ///< the revision that the batch's rows were written under
    std::int64_t minimum = 0;          ///< what contracts have fixed; 0: nothing
};

enum class Verdict {
    serve,
    refuse_wire,     ///< 426 upgrade_required
    refuse_too_old,  ///< 426 journal_too_old: a newer agent raises the journal
    refuse_too_new,  ///< 426 journal_too_new: a newer central settles it
    keep_too_old,    ///< quarantine, journal_too_old: no upgrade makes these rows newer
    keep_retired,    ///< quarantine, retired_controller
};

/// Never a keep_*. A retired one is always heard, so that its late pours come.
[[nodiscard]] Verdict judge_hello(const Shape& shape) noexcept;

/// Rows of an old revision in a journal that has been raised since are kept, not refused: nothing
/// that the device could install would change them, and what comes after them waits.
[[nodiscard]] Verdict judge_batch(const Shape& shape) noexcept;

}  // namespace tapline::compat
