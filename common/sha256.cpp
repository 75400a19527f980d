#include "common/sha256.hpp"

// As in row_hash.cpp: EVP would cost an idle agent 1.8 MB of memory.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "common/error.hpp"

namespace tapline {

struct Sha256::State {
    SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    TAPLINE_CHECK(SHA256_Init(&state_->context) == 1);
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
    TAPLINE_CHECK(SHA256_Update(&state_->context, bytes.data(), bytes.size()) == 1);
}

RowHash Sha256::finish() {
    RowHash hash{};
    TAPLINE_CHECK(SHA256_Final(hash.data(), &state_->context) == 1);
    return hash;
}

}  // namespace tapline
