// Asio's TLS, compiled once and apart from net_impl.cpp: a program that doesn't use it doesn't load
// OpenSSL's libssl.
#include <boost/asio/ssl/impl/src.hpp>
