// The functions of the libc that ports call, each in place of the libc's in their objects. Which
// ones is read from this object by the Makefile.
#include "call.hpp"

#include <cstdarg>

#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stack.hpp"

using traced::observed;
using traced::Shape;
using traced::words;

#define TRACED(type, name, parameters, arguments, ...)                          \
    extern "C" type brood_traced_##name parameters;                             \
    extern "C" type brood_traced_##name parameters {                            \
        static constexpr Shape kShape = {__VA_ARGS__};                          \
        return observed(                                                        \
            kShape, [&] { return ::name arguments; }, traced::words arguments); \
    }

// ---- Descriptors -----------------------------------------------------------------------------

TRACED(ssize_t, read, (int fd, void* to, size_t bytes), (fd, to, bytes), "read", "ipu", true)
TRACED(ssize_t, write, (int fd, const void* from, size_t bytes), (fd, from, bytes), "write", "ipu",
       true)
TRACED(ssize_t, pwrite, (int fd, const void* from, size_t bytes, off_t at), (fd, from, bytes, at),
       "pwrite64", "ipuu")
TRACED(int, dup2, (int from, int to), (from, to), "dup2", "ii")
TRACED(int, pipe, (int* ends), (ends), "pipe", "p")
TRACED(int, fstat, (int fd, struct stat* file), (fd, file), "fstat", "ip")
TRACED(int, stat, (const char* path, struct stat* file), (path, file), "stat", "sp")
TRACED(int, lstat, (const char* path, struct stat* file), (path, file), "lstat", "sp")
TRACED(int, fstatvfs, (int fd, struct statvfs* file), (fd, file), "fstatfs", "ip")
TRACED(int, ftruncate, (int fd, off_t bytes), (fd, bytes), "ftruncate", "iu")
TRACED(int, posix_fallocate, (int fd, off_t at, off_t bytes), (fd, at, bytes), "fallocate", "iuu")
TRACED(int, fchmod, (int fd, mode_t mode), (fd, mode), "fchmod", "io")
TRACED(int, chmod, (const char* path, mode_t mode), (path, mode), "chmod", "so")
TRACED(mode_t, umask, (mode_t mode), (mode), "umask", "o")
TRACED(int, unlink, (const char* path), (path), "unlink", "s")
TRACED(int, chdir, (const char* path), (path), "chdir", "s")
TRACED(DIR*, opendir, (const char* path), (path), "opendir", "s", false, true)
TRACED(dirent*, readdir, (DIR * folder), (folder), "readdir", "p", false, true)
TRACED(int, closedir, (DIR * folder), (folder), "closedir", "p")
TRACED(int, fflush, (FILE * stream), (stream), "fflush", "p")

// The trace's own stays open, also where a child closes all.
extern "C" int brood_traced_close(int fd);
extern "C" int brood_traced_close(int fd) {
    static constexpr Shape kShape = {"close", "i"};
    if (traced::is_on() && fd == traced::g_fd) { return 0; }
    return observed(
        kShape, [&] { return ::close(fd); }, words(fd));
}

extern "C" int brood_traced_open(const char* path, int flags, ...);
extern "C" int brood_traced_open(const char* path, int flags, ...) {
    static constexpr Shape kShape = {"openat", "@sOo"}, kExisting = {"openat", "@sO"};
    std::va_list list;
    va_start(list, flags);
    const auto mode = static_cast<mode_t>((flags & O_CREAT) != 0 ? va_arg(list, unsigned) : 0);
    va_end(list);
    return observed((flags & O_CREAT) != 0 ? kShape : kExisting,
                    [&] { return ::open(path, flags, mode); }, words(AT_FDCWD, path, flags, mode));
}

extern "C" int brood_traced_fcntl(int fd, int command, ...);
extern "C" int brood_traced_fcntl(int fd, int command, ...) {
    static constexpr Shape kShape = {"fcntl", "iCu"};
    std::va_list list;
    va_start(list, command);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return observed(
        kShape, [&] { return ::fcntl(fd, command, argument); }, words(fd, command, argument));
}

extern "C" int brood_traced_poll(pollfd* items, nfds_t count, int timeout_ms);
extern "C" int brood_traced_poll(pollfd* items, nfds_t count, int timeout_ms) {
    static constexpr Shape kLook = {"poll", "Vui"}, kWait = {"poll", "Vui", true};
    return observed(
        timeout_ms == 0 ? kLook : kWait, [&] { return ::poll(items, count, timeout_ms); },
        words(items, count, timeout_ms));
}

// ---- Sockets ---------------------------------------------------------------------------------

TRACED(int, socket, (int family, int type, int protocol), (family, type, protocol), "socket", "ixi")
TRACED(int, bind, (int fd, const sockaddr* name, socklen_t bytes), (fd, name, bytes), "bind", "ipu")
TRACED(int, listen, (int fd, int backlog), (fd, backlog), "listen", "ii")
TRACED(int, accept, (int fd, sockaddr* name, socklen_t* bytes), (fd, name, bytes), "accept", "ipp")
TRACED(int, accept4, (int fd, sockaddr* name, socklen_t* bytes, int flags),
       (fd, name, bytes, flags), "accept4", "ippx")
TRACED(int, connect, (int fd, const sockaddr* name, socklen_t bytes), (fd, name, bytes), "connect",
       "ipu")
TRACED(int, getsockname, (int fd, sockaddr* name, socklen_t* bytes), (fd, name, bytes),
       "getsockname", "ipp")
TRACED(int, getsockopt, (int fd, int level, int option, void* value, socklen_t* bytes),
       (fd, level, option, value, bytes), "getsockopt", "iiipp")
TRACED(int, setsockopt, (int fd, int level, int option, const void* value, socklen_t bytes),
       (fd, level, option, value, bytes), "setsockopt", "iiipu")
TRACED(ssize_t, send, (int fd, const void* data, size_t bytes, int flags), (fd, data, bytes, flags),
       "sendto", "ipux")
TRACED(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags),
       "sendmsg", "ipx")
TRACED(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), "recvmsg",
       "ipx")
TRACED(int, shutdown, (int fd, int how), (fd, how), "shutdown", "ii")

// ---- Memory ----------------------------------------------------------------------------------

TRACED(void*, mmap, (void* at, size_t bytes, int protection, int flags, int fd, off_t offset),
       (at, bytes, protection, flags, fd, offset), "mmap", "puPMiu", false, true)
TRACED(int, munmap, (void* at, size_t bytes), (at, bytes), "munmap", "pu")
TRACED(int, mprotect, (void* at, size_t bytes, int protection), (at, bytes, protection), "mprotect",
       "puP")
TRACED(int, madvise, (void* at, size_t bytes, int advice), (at, bytes, advice), "madvise", "puA")
TRACED(int, msync, (void* at, size_t bytes, int flags), (at, bytes, flags), "msync", "pux")
TRACED(int, shm_open, (const char* name, int flags, mode_t mode), (name, flags, mode), "shm_open",
       "sOo")
TRACED(int, shm_unlink, (const char* name), (name), "shm_unlink", "s")

// ---- Processes and signals -------------------------------------------------------------------

TRACED(pid_t, getpid, (), (), "getpid", "")
TRACED(pid_t, getppid, (), (), "getppid", "")
TRACED(pid_t, getpgrp, (), (), "getpgrp", "")
TRACED(uid_t, getuid, (), (), "getuid", "")
TRACED(uid_t, geteuid, (), (), "geteuid", "")
TRACED(int, getgroups, (int room, gid_t* groups), (room, groups), "getgroups", "ip")
TRACED(int, setuid, (uid_t user), (user), "setuid", "i")
TRACED(int, setgid, (gid_t group), (group), "setgid", "i")
TRACED(int, setpgid, (pid_t pid, pid_t group), (pid, group), "setpgid", "ii")
TRACED(pid_t, setsid, (), (), "setsid", "")
TRACED(int, getrlimit, (int what, struct rlimit* limit), (what, limit), "getrlimit", "ip")
TRACED(int, setrlimit, (int what, const struct rlimit* limit), (what, limit), "setrlimit", "ip")
TRACED(int, setpriority, (int which, id_t who, int nice), (which, who, nice), "setpriority", "iii")
TRACED(int, sysinfo, (struct sysinfo * system), (system), "sysinfo", "p")
TRACED(long, sysconf, (int what), (what), "sysconf", "i")
TRACED(int, uname, (utsname * system), (system), "uname", "p")
TRACED(int, kill, (pid_t pid, int signal), (pid, signal), "kill", "iS")
TRACED(int, sigaction, (int signal, const struct sigaction* now, struct sigaction* before),
       (signal, now, before), "rt_sigaction", "Spp")
TRACED(int, pthread_sigmask, (int how, const sigset_t* set, sigset_t* before), (how, set, before),
       "rt_sigprocmask", "Hpp")
TRACED(int, sigpending, (sigset_t * set), (set), "rt_sigpending", "p")
TRACED(int, sigtimedwait, (const sigset_t* set, siginfo_t* info, const timespec* timeout),
       (set, info, timeout), "rt_sigtimedwait", "ppT", true)
TRACED(int, sigwaitinfo, (const sigset_t* set, siginfo_t* info), (set, info), "rt_sigtimedwait",
       "pp", true)
TRACED(int, pause, (), (), "pause", "", true)
TRACED(unsigned, alarm, (unsigned seconds), (seconds), "alarm", "u")
TRACED(int, getitimer, (int which, itimerval* value), (which, value), "getitimer", "ip")
TRACED(int, setitimer, (int which, const itimerval* value, itimerval* before),
       (which, value, before), "setitimer", "ipp")
TRACED(pid_t, waitpid, (pid_t pid, int* status, int options), (pid, status, options), "wait4",
       "ipE")
TRACED(int, execve, (const char* path, char* const* arguments, char* const* environment),
       (path, arguments, environment), "execve", "spp", true)

extern "C" int brood_traced_waitid(idtype_t type, id_t id, siginfo_t* info, int options);
extern "C" int brood_traced_waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
    static constexpr Shape kLook = {"waitid", "KiIE"}, kWait = {"waitid", "KiIE", true};
    return observed((options & WNOHANG) != 0 ? kLook : kWait,
                    [&] { return ::waitid(type, id, info, options); },
                    words(type, id, info, options));
}

extern "C" pid_t brood_traced_fork();
extern "C" pid_t brood_traced_fork() {
    static constexpr Shape kShape = {"fork", ""};
    return observed(
        kShape,
        [] {
            const pid_t pid = ::fork();
            if (pid == 0) { traced::forked(); }
            return pid;
        },
        words());
}

// The child may borrow the memory, and what it shows is under its own number all the same.
extern "C" int brood_traced_clone(int (*body)(void*), void* stack, int flags, void* argument, ...);
extern "C" int brood_traced_clone(int (*body)(void*), void* stack, int flags, void* argument, ...) {
    static constexpr Shape kShape = {"clone", "..G"};
    return observed(
        kShape, [&] { return ::clone(body, stack, flags, argument); }, words(0l, 0l, flags));
}

extern "C" [[noreturn]] void brood_traced__exit(int code);
extern "C" [[noreturn]] void brood_traced__exit(int code) {
    static constexpr Shape kShape = {"exit_group", "i"};
    const long arguments[] = {code, 0};
    if (traced::is_on()) { traced::Call(kShape, arguments).end_without_result(); }
    ::_exit(code);
}

// ---- Time ------------------------------------------------------------------------------------

TRACED(int, clock_nanosleep, (clockid_t clock, int flags, const timespec* deadline, timespec* left),
       (clock, flags, deadline, left), "clock_nanosleep", "iiT.", true)
TRACED(int, sched_yield, (), (), "sched_yield", "")

// ---- Message queues and semaphores, mutexes of pthread -----------------------------------------

extern "C" mqd_t brood_traced_mq_open(const char* name, int flags, ...);
extern "C" mqd_t brood_traced_mq_open(const char* name, int flags, ...) {
    static constexpr Shape kShape = {"mq_open", "sOop"}, kExisting = {"mq_open", "sO"};
    const bool creates = (flags & O_CREAT) != 0;
    std::va_list list;
    va_start(list, flags);
    const auto mode = static_cast<mode_t>(creates ? va_arg(list, unsigned) : 0);
    mq_attr* const shape = creates ? va_arg(list, mq_attr*) : nullptr;
    va_end(list);
    return observed(
        creates ? kShape : kExisting, [&] { return ::mq_open(name, flags, mode, shape); },
        words(name, flags, mode, shape));
}

TRACED(int, mq_close, (mqd_t queue), (queue), "close", "i")
TRACED(int, mq_unlink, (const char* name), (name), "mq_unlink", "s")
TRACED(int, mq_getattr, (mqd_t queue, mq_attr* shape), (queue, shape), "mq_getsetattr", "ip")
TRACED(int, mq_notify, (mqd_t queue, const sigevent* event), (queue, event), "mq_notify", "ip")
TRACED(int, mq_send, (mqd_t queue, const char* message, size_t bytes, unsigned priority),
       (queue, message, bytes, priority), "mq_timedsend", "ipuu", true)
TRACED(int, mq_timedsend,
       (mqd_t queue, const char* message, size_t bytes, unsigned priority, const timespec* until),
       (queue, message, bytes, priority, until), "mq_timedsend", "ipuuT", true)
TRACED(ssize_t, mq_receive, (mqd_t queue, char* message, size_t bytes, unsigned* priority),
       (queue, message, bytes, priority), "mq_timedreceive", "ipup", true)
TRACED(ssize_t, mq_timedreceive,
       (mqd_t queue, char* message, size_t bytes, unsigned* priority, const timespec* until),
       (queue, message, bytes, priority, until), "mq_timedreceive", "ipupT", true)
extern "C" sem_t* brood_traced_sem_open(const char* name, int flags, ...);
extern "C" sem_t* brood_traced_sem_open(const char* name, int flags, ...) {
    static constexpr Shape kShape = {"sem_open", "sOou", false, true},
                           kExisting = {"sem_open", "sO", false, true};
    const bool creates = (flags & O_CREAT) != 0;
    std::va_list list;
    va_start(list, flags);
    const auto mode = static_cast<mode_t>(creates ? va_arg(list, unsigned) : 0);
    const unsigned value = creates ? va_arg(list, unsigned) : 0;
    va_end(list);
    return observed(
        creates ? kShape : kExisting, [&] { return ::sem_open(name, flags, mode, value); },
        words(name, flags, mode, value));
}

TRACED(int, sem_close, (sem_t * semaphore), (semaphore), "sem_close", "p")
TRACED(int, sem_unlink, (const char* name), (name), "sem_unlink", "s")
TRACED(int, sem_post, (sem_t * semaphore), (semaphore), "sem_post", "p")
TRACED(int, sem_timedwait, (sem_t * semaphore, const timespec* until), (semaphore, until),
       "sem_timedwait", "pT", true)
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 30)
TRACED(int, sem_clockwait, (sem_t * semaphore, clockid_t clock, const timespec* until),
       (semaphore, clock, until), "sem_clockwait", "piT", true)
#endif
#endif
TRACED(int, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* until),
       (mutex, until), "pthread_mutex_timedlock", "pT", true)
TRACED(int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex), "pthread_mutex_unlock", "p")
