#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>

#include <netdb.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/sync/https_transport.hpp"

namespace tapline::doctor {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds name_limit = 3s;
constexpr std::size_t max_addresses = 8;
// include/uapi/linux/route.h
constexpr std::uint64_t route_up = 1;
// include/net/addrconf.h, as /proc/net/if_inet6 shows it.
constexpr const char* scope_global = "00";

std::string first_line(std::string text) {
    return text.substr(0, text.find_first_of("\n "));
}

void check_link(const Look& look, const Tell& tell) {
    std::string up;
    std::string down;
    for (const auto& device : look.each("/sys/class/net", "operstate")) {
        const auto name = device.filename().string();
        const auto state = first_line(look.text(device / "operstate").value_or(""));
        // ARPHRD_LOOPBACK; "unknown" is what drivers without a notion of it say.
        if (look.number(device / "type") == 772) {
            continue;
        }
        const bool works =
            state == "up" || (state == "unknown" && look.number(device / "carrier") == 1);
        auto& list = works ? up : down;
        list += (list.empty() ? "" : ", ") + name + (works ? "" : " " + state);
    }
    const bool none = up.empty();
    const auto trouble = down.empty() ? "no network device" : down;
    tell(
        {"network_link",
         none ? Verdict::warn : Verdict::ok,
         none ? trouble : up,
         none ? "Plug the cable in, or see the Wi-Fi: ip link; nmcli device." : "",
         ""}
    );
}

/// Addresses of this machine: in the kernel's routing trie each is a /32 that is LOCAL.
std::set<std::string> addresses_v4(const std::string& trie) {
    std::set<std::string> found;
    std::istringstream lines(trie);
    std::string last;
    for (std::string line; std::getline(lines, line);) {
        if (const auto at = line.find("|-- "); at != std::string::npos) {
            last = line.substr(at + 4);
        } else if (line.find("/32 host LOCAL") != std::string::npos && !last.starts_with("127.")) {
            found.insert(last);
        }
    }
    return found;
}

/// Address, index, prefix length, scope, flags, device on each line.
std::size_t global_addresses_v6(const std::string& list) {
    std::size_t found = 0;
    std::istringstream lines(list);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::array<std::string, 4> word;
        words >> word[0] >> word[1] >> word[2] >> word[3];
        if (words && word[3] == scope_global) {
            ++found;
        }
    }
    return found;
}

void check_address(const Look& look, const Tell& tell) {
    const auto trie = look.text("/proc/net/fib_trie");
    const auto list6 = look.text("/proc/net/if_inet6");
    if (!trie && !list6) {
        tell({"network_address", Verdict::skip, "the kernel doesn't say", "", ""});
        return;
    }
    std::string text;
    bool assigned = false;
    for (const auto& address : addresses_v4(trie.value_or(""))) {
        assigned = assigned || !address.starts_with("169.254.");
        text += (text.empty() ? "" : ", ") + address;
    }
    if (const auto count = global_addresses_v6(list6.value_or("")); count > 0) {
        assigned = true;
        text += fmt::format("{}{} of IPv6", text.empty() ? "" : ", ", count);
    }
    tell(
        {"network_address",
         assigned ? Verdict::ok : Verdict::warn,
         text.empty() ? "none" : text,
         assigned ? ""
                  : "No server gave one: see the router's DHCP; ip address; or set a fixed one.",
         ""}
    );
}

/// Device, destination, gateway, flags, …: the destination 0 with the mask 0.
bool has_default_v4(const std::string& table) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::array<std::string, 8> word;
        for (auto& one : word) {
            words >> one;
        }
        const auto flags = std::strtoull(word[3].c_str(), nullptr, 16);
        if (words && word[1] == "00000000" && word[7] == "00000000" && (flags & route_up) != 0) {
            return true;
        }
    }
    return false;
}

/// Destination, its prefix length, source, its prefix length, gateway, metric, two counters, flags,
/// device. The entry of "lo" means unreachable.
bool has_default_v6(const std::string& table) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::array<std::string, 10> word;
        for (auto& one : word) {
            words >> one;
        }
        if (words && word[0].find_first_not_of('0') == std::string::npos && word[1] == "00" &&
            word[9] != "lo") {
            return true;
        }
    }
    return false;
}

void check_route(const Look& look, bool is_needed, const Tell& tell) {
    const auto table = look.text("/proc/net/route");
    const auto table6 = look.text("/proc/net/ipv6_route");
    if (!is_needed || (!table && !table6)) {
        const auto* why = is_needed ? "the kernel doesn't say" : "central may be on this very net";
        tell({"default_route", Verdict::skip, why, "", ""});
        return;
    }
    const bool found = has_default_v4(table.value_or("")) || has_default_v6(table6.value_or(""));
    tell(
        {"default_route",
         found ? Verdict::ok : Verdict::warn,
         found ? "there is one" : "none: nothing beyond this net can be reached",
         found ? "" : "Set the gateway, or see the router's DHCP: ip route.",
         ""}
    );
}

bool is_literal(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

/// Empty: central has no name that must be looked up.
std::string name_of_central(const std::string& central) {
    if (central.empty()) {
        return {};
    }
    const auto host = sync::parse_central_url(central).host;
    return is_literal(host) ? std::string() : host;
}

bool is_here(const std::string& central) {
    const auto host = central.empty() ? std::string() : sync::parse_central_url(central).host;
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string addresses_of(const addrinfo* list) {
    std::set<std::string> found;
    for (const auto* one = list; one != nullptr && found.size() < max_addresses;
         one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(
                one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST
            ) == 0) {
            found.insert(text.data());
        }
    }
    std::string all;
    for (const auto& address : found) {
        all += (all.empty() ? "" : ", ") + address;
    }
    return all;
}

constexpr const char* name_advice =
    "See /etc/resolv.conf and the router; or name central by its address, if its certificate has "
    "it.";

void check_name(const std::string& name, const Tell& tell) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    tell(
        {"central_name",
         failure == 0 ? Verdict::ok : Verdict::warn,
         failure == 0 ? fmt::format("{} is {}", name, addresses_of(found))
                      : fmt::format("{}: {}", name, ::gai_strerror(failure)),
         failure == 0 ? "" : name_advice,
         ""}
    );
}

}  // namespace

Group network_group(const Look& look, const std::string& central) {
    Group group;
    group.ids = {"network_link", "network_address", "default_route"};
    group.look = [look, central](const Tell& tell) {
        if (is_here(central)) {
            for (const auto* id : {"network_link", "network_address", "default_route"}) {
                tell({id, Verdict::skip, "central is on this machine", "", ""});
            }
            return;
        }
        check_link(look, tell);
        check_address(look, tell);
        check_route(look, central.empty() || !name_of_central(central).empty(), tell);
    };
    return group;
}

Group name_group(const std::string& central) {
    Group group;
    group.ids = {"central_name"};
    group.limit = name_limit;
    group.late = Verdict::warn;
    group.late_advice = name_advice;
    group.look = [central](const Tell& tell) {
        const auto name = name_of_central(central);
        if (name.empty()) {
            const auto* why = central.empty() ? "no address of central is set" : "it is an address";
            tell({"central_name", Verdict::skip, why, "", ""});
            return;
        }
        check_name(name, tell);
    };
    return group;
}

}  // namespace tapline::doctor
