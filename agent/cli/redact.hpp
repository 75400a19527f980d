// Takes secrets out of text that leaves the machine. The parts of a bundle hold none by design;
// this is for what nobody thought of: a technician's own words, another program's log line.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tapline::cli {

class Redactor {
  public:
    /// The private keys that lie in the agent's state directory, as far as this user can read them.
    explicit Redactor(const std::filesystem::path& state_dir);

    /// Without: lines of those keys, every PEM private key, the code of a token of `enroll`, the
    /// user in a URL, and values named password, passwd, secret, token or api_key ("…token=x",
    /// "api_key": "x").
    [[nodiscard]] std::string clean(std::string text) const;

  private:
    std::vector<std::string> lines_;
};

}  // namespace tapline::cli
