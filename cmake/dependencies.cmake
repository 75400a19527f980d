find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
if(TAPLINE_CENTRAL)
    # Its core alone: the CMake package would want civetweb and curl as well.
    pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
    pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
    find_library(PG_QUERY_LIBRARY pg_query REQUIRED)
endif()
find_package(SQLite3 REQUIRED)

# Asio and Beast are compiled once, in common/net_impl.cpp; every other unit sees declarations only.
add_library(tapline_asio INTERFACE)
target_compile_definitions(tapline_asio INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(tapline_asio INTERFACE Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
