#include <tools/copy/links.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace tool::copy {

Links::~Links() noexcept {
    std::free(forgotten_);
    for (std::size_t i = 0; i < bucket_count_; ++i) {
        while (buckets_[i] != nullptr) {
            Node* const node = buckets_[i];
            buckets_[i] = node->next;
            std::free(node);
        }
    }
    std::free(buckets_);
}

Links::Node*& Links::bucket(dev_t device, ino_t inode) noexcept {
    const std::uint64_t mixed = (std::uint64_t{inode} ^ std::uint64_t{device} << 32) *
                                0x9e3779b97f4a7c15u;
    return buckets_[(mixed >> 32) % bucket_count_];
}

/// What points to it; what points to nothing if it is not there.
Links::Node** Links::find(const struct stat& status) noexcept {
    Node** at = &bucket(status.st_dev, status.st_ino);
    while (*at != nullptr && ((*at)->inode != status.st_ino || (*at)->device != status.st_dev)) {
        at = &(*at)->next;
    }
    return at;
}

/// False if there is no memory; the table is as it was then.
bool Links::grow() noexcept {
    const std::size_t before = bucket_count_;
    Node** const old = buckets_;
    const std::size_t count = before == 0 ? 256 : 2 * before;
    Node** const buckets = static_cast<Node**>(std::calloc(count, sizeof(Node*)));
    if (buckets == nullptr) { return false; }
    buckets_ = buckets;
    bucket_count_ = count;
    for (std::size_t i = 0; i < before; ++i) {
        while (old[i] != nullptr) {
            Node* const node = old[i];
            old[i] = node->next;
            Node*& head = bucket(node->device, node->inode);
            node->next = head;
            head = node;
        }
    }
    std::free(old);
    return true;
}

Links::Met Links::meet(const struct stat& status, const char* target,
                       const char*& earlier) noexcept {
    std::free(forgotten_);
    forgotten_ = nullptr;
    if (count_ == bucket_count_ && !grow() && bucket_count_ == 0) { return Met::no_memory; }
    Node** const at = find(status);
    if (*at != nullptr) {
        Node* const node = *at;
        earlier = node->target;
        if (--node->names_left > 0) { return Met::again; }
        *at = node->next;
        --count_;
        forgotten_ = node;
        return Met::again;
    }
    const std::size_t bytes = std::strlen(target) + 1;
    Node* const node = static_cast<Node*>(std::malloc(sizeof(Node) + bytes));
    if (node == nullptr) { return Met::no_memory; }
    node->next = nullptr;
    node->device = status.st_dev;
    node->inode = status.st_ino;
    node->names_left = status.st_nlink > 1 ? status.st_nlink - 1 : 1;
    node->target = reinterpret_cast<char*>(node + 1);
    std::memcpy(node->target, target, bytes);
    *at = node;
    ++count_;
    return Met::first;
}

}  // namespace tool::copy
