#include "bench/lab/loop_disk.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/loop.h>

#include "bench/lab/process.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t image_bytes = 256U * 1024 * 1024;
constexpr std::chrono::seconds format_limit{30};

[[noreturn]] void refuse(const std::string& why) {
    throw Error(
        ErrorKind::refused, "no_loop_disk", why, "run as root on a machine with loop devices"
    );
}

}  // namespace

LoopDisk::LoopDisk(const fs::path& directory) : mounted_(directory / "mounted") {
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
    format.log = directory / "mkfs.log";
    Child(format).require_success(format_limit);
    attach(image);
    const std::string path = "/dev/" + device_;
    is_mounted_ = mount(path.c_str(), mounted_.c_str(), "ext4", MS_NOATIME, nullptr) == 0;
    const int error = errno;
    close(device_fd_);
    if (!is_mounted_) {
        refuse(fmt::format("can't mount {}: {}", path, std::strerror(error)));
    }
}

LoopDisk::~LoopDisk() {
    if (umount2(mounted_.c_str(), 0) != 0) {
        // Something of ours still runs there; the name goes away now, the rest with that process.
        umount2(mounted_.c_str(), MNT_DETACH);
    }
}

void LoopDisk::attach(const fs::path& image) {
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
    if (control >= 0) {
        close(control);
    }
    if (number < 0) {
        refuse(fmt::format("no free loop device: {}", std::strerror(errno)));
    }
    device_ = fmt::format("loop{}", number);
    device_fd_ = open(("/dev/" + device_).c_str(), O_RDWR | O_CLOEXEC);
    loop_config config{};
    const int image_fd = open(image.c_str(), O_RDWR | O_CLOEXEC);
    config.fd = static_cast<__u32>(image_fd);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    const bool configured = device_fd_ >= 0 && ioctl(device_fd_, LOOP_CONFIGURE, &config) == 0;
    const int error = errno;
    close(image_fd);
    if (!configured) {
        close(device_fd_);
        refuse(fmt::format("can't use {}: {}", device_, std::strerror(error)));
    }
}

}  // namespace tapline::bench
