#include "bench/lab/loop_disk.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/lab/process.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t image_bytes = 256U * 1024 * 1024;
constexpr std::chrono::seconds tool_limit{30};

[[noreturn]] void refuse(const std::string& why) {
    throw Error(
        ErrorKind::refused, "no_loop_disk", why, "run as root on a machine with loop devices"
    );
}

}  // namespace

LoopDisk::LoopDisk(const fs::path& directory)
    : mounted_(directory / "mounted"), log_(directory / "loop.log") {
    if (geteuid() != 0) {
        refuse("a loop device needs root");
    }
    const fs::path image = directory / "disk.img";
    fs::create_directories(mounted_);
    std::ofstream(image).flush();
    fs::resize_file(image, image_bytes);
    // Without lazy initialisation the kernel writes nothing by itself after the mount.
    Command format;
    format.arguments = {"/usr/sbin/mkfs.ext4", "-q", "-F", "-E"};
    format.arguments.insert(
        format.arguments.end(), {"lazy_itable_init=0,lazy_journal_init=0", image.string()}
    );
    format.log = log_;
    Child(format).require_success(tool_limit);
    attach(image);
    if (mount(("/dev/" + device_).c_str(), mounted_.c_str(), "ext4", MS_NOATIME, nullptr) != 0) {
        const std::string why = std::strerror(errno);
        detach();
        refuse(fmt::format("can't mount /dev/{}: {}", device_, why));
    }
    is_mounted_ = true;
}

LoopDisk::~LoopDisk() {
    detach();
}

void LoopDisk::attach(const fs::path& image) {
    Command losetup;
    losetup.arguments = {"/usr/sbin/losetup", "--find", "--show", image};
    losetup.log = log_;
    std::string name = output_of(losetup, tool_limit);
    while (!name.empty() && name.back() == '\n') {
        name.pop_back();
    }
    if (!name.starts_with("/dev/")) {
        refuse("losetup gave no device");
    }
    device_ = name.substr(5);
}

void LoopDisk::detach() noexcept {
    if (is_mounted_ && umount2(mounted_.c_str(), 0) != 0) {
        // Something of ours still runs there; the name goes away now, the rest with that process.
        umount2(mounted_.c_str(), MNT_DETACH);
    }
    is_mounted_ = false;
    if (device_.empty()) {
        return;
    }
    try {
        Command losetup;
        losetup.arguments = {"/usr/sbin/losetup", "--detach", "/dev/" + device_};
        losetup.log = log_;
        Child(losetup).require_success(tool_limit);
    } catch (const Error& error) {
        fmt::print(stderr, "losetup --detach /dev/{} failed: {}\n", device_, error.what());
    }
    device_.clear();
}

}  // namespace tapline::bench
