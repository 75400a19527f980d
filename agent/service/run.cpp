#include "agent/service/run.hpp"

#include <malloc.h>

#include "agent/service/service.hpp"
#include "common/secret_file.hpp"

namespace tapline::service {

int run(const LoadSettings& load, const Environment& environment) {
    forbid_core_dumps();
    // Two threads need no arenas of their own; on a Pi each costs memory for nothing.
    ::mallopt(M_ARENA_MAX, 1);
    Service service(load, environment);
    return service.run();
}

}  // namespace tapline::service
