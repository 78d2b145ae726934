// A file system in user space that does not answer: who looks into it is in uninterruptible sleep,
// and nothing can kill it.
#ifndef BROOD_TEST_SILENT_FILE_SYSTEM_HPP
#define BROOD_TEST_SILENT_FILE_SYSTEM_HPP

#include "support.hpp"

#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace test {

/// It has one file, "file", which can be opened once answer_open() was called, and anything else
/// never tells whether it is there. Children do not have it open: it ends with its process.
class SilentFileSystem {
public:
    /// What the process, and those it forks from then on, mount is seen by nobody else, who would
    /// get stuck in it. False: it may not do that.
    static bool go_apart() {
        return unshare(CLONE_NEWNS) == 0 &&
               mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }

    SilentFileSystem() {
        fd_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (fd_ < 0 || mkdtemp(folder_) == nullptr) { return; }
        last_ = this;
        pthread_atfork(nullptr, nullptr, [] {
            if (last_->fd_ >= 0) { close(last_->fd_); }
            last_->fd_ = -1;
        });
        char options[100];
        snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd_);
        mounted_ = mount("silent", folder_, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
        mounted_ = mounted_ && introduce();
    }
    ~SilentFileSystem() {
        speak();
        rmdir(folder_);
    }
    SilentFileSystem(const SilentFileSystem&) = delete;
    SilentFileSystem& operator=(const SilentFileSystem&) = delete;

    bool is_mounted() const { return mounted_; }
    const char* folder() const { return folder_; }
    /// Takes a question, and keeps it. Whoever asked now waits for the answer.
    bool hear() { return next().opcode == FUSE_LOOKUP; }
    /// Gives up: everybody who waits gets an error.
    void speak() {
        if (mounted_) { umount2(folder_, MNT_DETACH); }
        mounted_ = false;
        if (fd_ >= 0) { close(fd_); }
        fd_ = -1;
    }

    /// Answers who opens "file", and takes the question for its content.
    bool hear_read() {
        fuse_entry_out entry = {};
        entry.nodeid = 2;
        entry.attr.ino = 2;
        entry.attr.mode = S_IFREG | 0600;
        entry.attr.nlink = 1;
        entry.attr.size = 1 << 20;
        fuse_open_out opened = {};
        // The answer goes where the reader asked for it, and who ends then asks nothing more.
        opened.open_flags = FOPEN_DIRECT_IO | 1u << 5;  // FOPEN_NOFLUSH
        const bool is_open = answer(next(), FUSE_LOOKUP, &entry, sizeof entry) &&
                             answer(next(), FUSE_OPEN, &opened, sizeof opened);
        read_ = next();
        return is_open && read_.opcode == FUSE_READ;
    }
    /// And gives it, late: `bytes` bytes.
    bool answer_read(const void* content, std::size_t bytes) {
        return answer(read_, FUSE_READ, content, bytes);
    }

private:
    fuse_in_header next() {
        char buffer[FUSE_MIN_READ_BUFFER + 4096];
        pollfd item = {fd_, POLLIN, 0};
        fuse_in_header header = {};
        do {  // A reader that is killed says so before it waits on.
            if (poll(&item, 1, kPatienceMs) != 1) { return {}; }
            const ssize_t bytes = read(fd_, buffer, sizeof buffer);
            if (bytes < static_cast<ssize_t>(sizeof header)) { return {}; }
            memcpy(&header, buffer, sizeof header);
        } while (header.opcode == FUSE_INTERRUPT);
        return header;
    }
    bool answer(const fuse_in_header& question, std::uint32_t expected, const void* body,
                std::size_t bytes) {
        char buffer[sizeof(fuse_out_header) + 8192];
        fuse_out_header header = {};
        const std::size_t all = sizeof header + bytes;
        if (question.opcode != expected || all > sizeof buffer) { return false; }
        header.len = static_cast<std::uint32_t>(all);
        header.unique = question.unique;
        memcpy(buffer, &header, sizeof header);
        memcpy(buffer + sizeof header, body, bytes);
        return write(fd_, buffer, all) == static_cast<ssize_t>(all);
    }
    bool introduce() {
        fuse_init_out body = {};
        body.major = FUSE_KERNEL_VERSION;
        body.minor = FUSE_KERNEL_MINOR_VERSION;
        body.max_write = 4096;
        body.flags = FUSE_PARALLEL_DIROPS;
        return answer(next(), FUSE_INIT, &body, sizeof body);
    }

    static inline SilentFileSystem* last_ = nullptr;
    int fd_ = -1;
    bool mounted_ = false;
    char folder_[40] = "/tmp/brood-test-silent-XXXXXX";
    fuse_in_header read_ = {};
};

}  // namespace test

#endif
