#include "central/compat/verdict.hpp"

namespace tapline::compat {

Verdict judge_hello(const Shape& shape) noexcept {
    if (!shape.wire_spoken) {
        return Verdict::refuse_wire;
    }
    if (shape.retired) {
        return Verdict::serve;
    }
    if (!shape.now) {
        return Verdict::refuse_too_new;
    }
    return *shape.now < shape.minimum ? Verdict::refuse_too_old : Verdict::serve;
}

Verdict judge_batch(const Shape& shape) noexcept {
    if (!shape.wire_spoken) {
        return Verdict::refuse_wire;
    }
    const bool too_old = shape.rows && *shape.rows < shape.minimum;
    if (shape.retired) {
        return too_old ? Verdict::keep_too_old : Verdict::keep_retired;
    }
    if (!shape.rows) {
        return Verdict::refuse_too_new;
    }
    if (!too_old) {
        return Verdict::serve;
    }
    const bool raised = shape.now && *shape.now >= shape.minimum;
    return raised ? Verdict::keep_too_old : Verdict::refuse_too_old;
}

}  // namespace tapline::compat
