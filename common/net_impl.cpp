// Asio and Beast, compiled once instead of in every unit that uses them.
#include <strings.h>

#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

#include "common/http.hpp"

namespace tapline::http {

std::string_view find(const Headers& headers, std::string_view name) noexcept {
    for (const auto& header : headers) {
        if (header.name.size() == name.size() &&
            ::strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
            return header.value;
        }
    }
    return {};
}

}  // namespace tapline::http
