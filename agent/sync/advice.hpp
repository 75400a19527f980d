// What the agent does about a problem that central reported.
#pragma once

#include "common/wire.hpp"

namespace tapline::sync {

enum class Step {
    retry,    ///< the same request again after a pause
    hold,     ///< keep the pours until central says otherwise
    resync,   ///< say hello again and take central's cursor
    fork,     ///< stop sending: the journal and central tell different histories
    split,    ///< a smaller batch
    upgrade,  ///< stop until this program has been upgraded
    wait,     ///< stop until an operator has acted at central; ask again slowly
};

/// Status of a problem that the agent found itself: no answer of central has it.
inline constexpr int own_finding = 0;

/// Follows the problem's `action`; one that this version doesn't know, or an answer that isn't
/// tapline's at all, is judged by the HTTP status.
[[nodiscard]] Step advise(const wire::Problem& problem) noexcept;

}  // namespace tapline::sync
