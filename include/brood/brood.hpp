// All of brood.
#ifndef BROOD_BROOD_HPP
#define BROOD_BROOD_HPP

#include <brood/array.hpp>
#include <brood/barrier.hpp>
#include <brood/byte_queue.hpp>
#include <brood/condition.hpp>
#include <brood/connection.hpp>
#include <brood/dict.hpp>
#include <brood/error.hpp>
#include <brood/event.hpp>
#include <brood/exec.hpp>
#include <brood/future.hpp>
#include <brood/imap.hpp>
#include <brood/joinable_queue.hpp>
#include <brood/list.hpp>
#include <brood/lock.hpp>
#include <brood/manager.hpp>
#include <brood/map_future.hpp>
#include <brood/map_options.hpp>
#include <brood/message_queue.hpp>
#include <brood/name_space.hpp>
#include <brood/named_semaphore.hpp>
#include <brood/pipe.hpp>
#include <brood/pool.hpp>
#include <brood/pool_loop.hpp>
#include <brood/pool_maps.hpp>
#include <brood/pool_options.hpp>
#include <brood/pool_stats.hpp>
#include <brood/pool_view.hpp>
#include <brood/process.hpp>
#include <brood/queue.hpp>
#include <brood/result.hpp>
#include <brood/rlock.hpp>
#include <brood/semaphore.hpp>
#include <brood/shared_memory.hpp>
#include <brood/signals.hpp>
#include <brood/task_options.hpp>
#include <brood/text.hpp>
#include <brood/this_process.hpp>
#include <brood/timeout.hpp>
#include <brood/tuple.hpp>
#include <brood/value.hpp>
#include <brood/version.hpp>
#include <brood/wait.hpp>

#endif
