// What the other programs of this folder are measured against: a child's answer through a pipe,
// without brood.
#include <sys/wait.h>
#include <unistd.h>

int main() {
    int ends[2];
    if (pipe(ends) != 0) { return 1; }
    const pid_t child = fork();
    if (child < 0) { return 1; }
    if (child == 0) {
        const unsigned square = 144;
        _exit(write(ends[1], &square, sizeof square) == sizeof square ? 0 : 1);
    }
    unsigned square = 0;
    if (read(ends[0], &square, sizeof square) != sizeof square) { return 1; }
    waitpid(child, nullptr, 0);
    return square == 144 ? 0 : 1;
}
