// Blocking work off the I/O threads.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tapline {

/// Runs job() on `where` and resumes the caller on its own executor with the result, or with the
/// exception that job threw. Name the job before awaiting it: GCC 12 destroys the captures of a
/// lambda written inside a co_await expression twice (CONTRIBUTING.md, "Name it, then await it").
/// The job is not cancelled when the caller is: what it refers to must outlive it.
template <typename Job>
boost::asio::awaitable<std::invoke_result_t<Job&>> run_on(
    boost::asio::any_io_executor where, Job job
) {
    using Result = std::invoke_result_t<Job&>;
    auto home = co_await boost::asio::this_coro::executor;
    auto initiate = [](auto handler,
                       boost::asio::any_io_executor from,
                       boost::asio::any_io_executor to,
                       Job work) {
        boost::asio::post(
            from,
            [handler = std::move(handler), to, work = std::move(work)]() mutable {
                std::exception_ptr failure;
                if constexpr (std::is_void_v<Result>) {
                    try {
                        work();
                    } catch (...) {
                        failure = std::current_exception();
                    }
                    boost::asio::post(to, [handler = std::move(handler), failure]() mutable {
                        handler(failure);
                    });
                } else {
                    std::optional<Result> result;
                    try {
                        result.emplace(work());
                    } catch (...) {
                        failure = std::current_exception();
                    }
                    boost::asio::post(
                        to,
                        [handler = std::move(handler), failure, result = std::move(result)](
                        ) mutable { handler(failure, std::move(result)); }
                    );
                }
            }
        );
    };
    if constexpr (std::is_void_v<Result>) {
        co_await boost::asio::
            async_initiate<const boost::asio::use_awaitable_t<>, void(std::exception_ptr)>(
                std::move(initiate),
                boost::asio::use_awaitable,
                std::move(where),
                std::move(home),
                std::move(job)
            );
        co_return;
    } else {
        std::optional<Result> result = co_await boost::asio::async_initiate<
            const boost::asio::use_awaitable_t<>,
            void(std::exception_ptr, std::optional<Result>)>(
            std::move(initiate),
            boost::asio::use_awaitable,
            std::move(where),
            std::move(home),
            std::move(job)
        );
        co_return std::move(*result);
    }
}

}  // namespace tapline
