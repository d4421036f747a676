// SPDX-License-Identifier: Apache-2.0
/*
 * A town of services: each is a process of its own name that listens, and asks its neighbours over
 * connections that it keeps.
 *
 *   town SERVICES NEIGHBOURS CONNECTIONS IDLE
 *
 * Starts SERVICES servers (service i on 127.0.0.1:20000+i) and IDLE processes that do nothing.
 * Every service opens CONNECTIONS to each of the NEIGHBOURS services behind it and makes one
 * request on each. Says "open" once all have answered. On SIGUSR1 every service makes one more
 * request on each of its connections, one after the other, and "answered N" says so; in between
 * nothing is sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_PORT 20000
#define SHARED_FD 3
#define FDS_MAX 8192
/* Between two requests of a service: a town talks, it does not shout. */
#define PAUSE_MS 50

/* What the processes tell each other. */
struct shared {
	unsigned int listening;
	unsigned int answered;
};

static const char request[] = "GET /news HTTP/1.1\r\nHost: town\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct shared *shared;
static volatile sig_atomic_t is_asked;
static char is_client[FDS_MAX];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void on_signal(int number)
{
	(void)number;
	is_asked = 1;
}

static struct sockaddr_in address_of(int service)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_port = htons(FIRST_PORT + service);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static void watch(int epoll, int fd, int asks)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= FDS_MAX)
		exit(2);
	is_client[fd] = asks;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
}

static int listening_on(int service)
{
	struct sockaddr_in address = address_of(service);
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (void *)&address, sizeof(address)) || listen(fd, 4096))
		fail("listen");
	return fd;
}

static void take(int epoll, int listener, int fd)
{
	char buffer[4096];
	ssize_t got;

	if (fd == listener) {
		watch(epoll, accept(fd, NULL, NULL), 0);
		return;
	}
	got = recv(fd, buffer, sizeof(buffer), 0);
	if (got <= 0)
		close(fd);
	else if (is_client[fd])
		__atomic_add_fetch(&shared->answered, 1, __ATOMIC_RELAXED);
	else
		send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
}

/* Serves what is ready, and waits for it if `timeout_ms` is not 0. */
static void serve(int epoll, int listener, int timeout_ms)
{
	struct epoll_event events[64];
	int ready = epoll_wait(epoll, events, 64, timeout_ms);

	for (int i = 0; i < ready; i++)
		take(epoll, listener, events[i].data.fd);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void serve_for(int epoll, int listener, int duration_ms)
{
	long end = now_ms() + duration_ms, left;

	while ((left = end - now_ms()) > 0)
		serve(epoll, listener, left);
}

static int asks(int epoll, int service)
{
	struct sockaddr_in address = address_of(service);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (void *)&address, sizeof(address)))
		fail("connect");
	watch(epoll, fd, 1);
	send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	return fd;
}

static void service(int own, int services, int neighbours, int connections)
{
	int epoll = epoll_create1(0), listener = listening_on(own);

	signal(SIGUSR1, on_signal);
	watch(epoll, listener, 0);
	__atomic_add_fetch(&shared->listening, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared->listening, __ATOMIC_ACQUIRE) < (unsigned int)services)
		usleep(10000);
	for (int i = 0; i < neighbours * connections; i++) {
		asks(epoll, (own + 1 + i % neighbours) % services);
		serve(epoll, listener, 0);
	}
	for (;;) {
		serve(epoll, listener, -1);
		if (!is_asked)
			continue;
		is_asked = 0;
		for (int fd = 0; fd < FDS_MAX; fd++) {
			if (!is_client[fd])
				continue;
			send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
			serve_for(epoll, listener, PAUSE_MS);
		}
	}
}

/* Starts this program again under a name of its own. */
static pid_t started(char **argv, const char *kind, int number)
{
	char name[32], digits[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(name, sizeof(name), "%s-%03d", kind, number);
	snprintf(digits, sizeof(digits), "%d", number);
	setenv("OTEL_SERVICE_NAME", name, 1);
	execl("/proc/self/exe", name, argv[1], argv[2], argv[3], argv[4], digits, NULL);
	fail("exec");
	return 0;
}

static void wait_for_answers(unsigned int count)
{
	while (__atomic_load_n(&shared->answered, __ATOMIC_RELAXED) < count)
		usleep(10000);
}

static void child(char **argv, int services)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, argv[0]);
	if (strncmp(argv[0], "idle", 4))
		service(atoi(argv[5]), services, atoi(argv[2]), atoi(argv[3]));
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int services = argc > 4 ? atoi(argv[1]) : 0, idle = argc > 4 ? atoi(argv[4]) : 0;
	struct rlimit files = { FDS_MAX, FDS_MAX };
	unsigned int calls, rounds = 1;
	pid_t *pids;

	if (services < 2 || services > 10000)
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc < 6) {
		int fd = memfd_create("town", 0);

		if (ftruncate(fd, sizeof(*shared)) || (fd != SHARED_FD && dup2(fd, SHARED_FD) < 0))
			fail("memfd");
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
	if (shared == MAP_FAILED)
		fail("mmap");
	if (argc == 6)
		child(argv, services);

	calls = services * atoi(argv[2]) * atoi(argv[3]);
	pids = calloc(services, sizeof(*pids));
	for (int i = 0; i < services; i++)
		pids[i] = started(argv, "service", i);
	for (int i = 0; i < idle; i++)
		started(argv, "idle", i);
	signal(SIGUSR1, on_signal);
	wait_for_answers(calls);
	printf("open\n");
	fflush(stdout);
	for (;;) {
		pause();
		if (!is_asked)
			continue;
		is_asked = 0;
		for (int i = 0; i < services; i++)
			kill(pids[i], SIGUSR1);
		wait_for_answers(++rounds * calls);
		printf("answered %u\n", rounds * calls);
		fflush(stdout);
	}
}
