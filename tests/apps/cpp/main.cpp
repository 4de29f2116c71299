#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

// One request at a time is enough to show that the program runs.
int main() {
    std::signal(SIGPIPE, SIG_IGN);
    std::stringstream page;
    page << std::ifstream("pages/index.html").rdbuf();
    const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(page.str().size()) + "\r\n\r\n" + page.str();

    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(std::getenv("PORT"))));
    address.sin_addr.s_addr = inet_addr(std::getenv("HOST"));
    const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 || listen(listener, 64) != 0) return 1;
    for (;;) {
        const int client = accept(listener, nullptr, nullptr);
        char request[4096];
        if (read(client, request, sizeof request) > 0 && write(client, answer.data(), answer.size()) < 0) continue;
        close(client);
    }
}
