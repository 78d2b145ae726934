// Which files of the source have other names, too, and where the first of these was copied to.
#ifndef BROOD_TOOLS_COPY_LINKS_HPP
#define BROOD_TOOLS_COPY_LINKS_HPP

#include <sys/stat.h>

#include <cstddef>

namespace tool::copy {

/// Memory: on the heap, a path for each file of which some names have not been met yet.
class Links {
public:
    Links() noexcept = default;
    ~Links() noexcept;
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    enum class Met { first, again, no_memory };
    /// A name of a file that has several. first: it will be at `target`. again: `earlier` gets the
    /// target of the first, until the next call; with the last name the file is forgotten.
    Met meet(const struct stat& status, const char* target, const char*& earlier) noexcept;

private:
    struct Node {
        Node* next;
        dev_t device;
        ino_t inode;
        nlink_t names_left;
        char* target;  // behind it
    };
    bool grow() noexcept;
    Node*& bucket(dev_t device, ino_t inode) noexcept;
    Node** find(const struct stat& status) noexcept;

    Node** buckets_ = nullptr;
    std::size_t bucket_count_ = 0, count_ = 0;
    Node* forgotten_ = nullptr;
};

}  // namespace tool::copy

#endif
