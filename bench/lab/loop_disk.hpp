// A small ext4 of its own on a loop device, so that what one process writes can be counted in the
// sectors of one block device. Needs root.
#pragma once

#include <filesystem>
#include <string>

namespace tapline::bench {

class LoopDisk {
  public:
    /// Makes DIRECTORY/disk.img and mounts it on DIRECTORY/mounted. Throws Error{refused,
    /// "no_loop_disk"} with the reason when this machine or user can't.
    explicit LoopDisk(const std::filesystem::path& directory);
    ~LoopDisk();
    LoopDisk(const LoopDisk&) = delete;
    LoopDisk& operator=(const LoopDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& mounted() const noexcept { return mounted_; }

    /// "loop3", as in /sys/block.
    [[nodiscard]] const std::string& device() const noexcept { return device_; }

  private:
    void attach(const std::filesystem::path& image);

    std::filesystem::path mounted_;
    std::string device_;
    int device_fd_ = -1;  ///< the kernel frees the device when nobody holds it open or mounted
    bool is_mounted_ = false;
};

}  // namespace tapline::bench
