// Small services and their client, for a machine that has nothing else.
//
//   traffic serve         HTTP on 8080, Redis on 6379, DNS on UDP 5300, an echo on UDP 5400
//   traffic ask           asks all of them: the counts below
//   traffic hold FILE     makes connections, says so in FILE, asks once FILE.go is there, and ends
//                         with FILE.end
//   traffic twin FILE     the same from a fixed port: one of two network namespaces
//   traffic vault FILE    the same over one connection with itself whose records the kernel makes;
//                         asks nothing where it cannot
//
// Every exchange is one write and its answer, so that what was sent is known to the request.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTP = 8080, REDIS = 6379, DNS = 5300, ECHO = 5400, VAULT = 8444, TWIN = 40000 };
enum { HTTP_KEPT = 200, HTTP_FRESH = 50, REDIS_ASKED = 300, DNS_KEPT = 100, DNS_FRESH = 100 };
enum { ECHOES = 20, ECHO_BYTES = 700, HELD = 3, HELD_ASKED = 5, TWIN_ASKED = 20, VAULT_ASKED = 20 };
enum { SOCKETS_MAX = 64 };

static const char GET[] = "GET /page HTTP/1.1\r\nHost: shop\r\n\r\n";
static const char PAGE[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char COMMAND[] = "*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n";
static const char VALUE[] = "$5\r\nthree\r\n";
// Asks for the address of shop.test.
static const unsigned char QUESTION[] =
	"\0\0\1\0\0\1\0\0\0\0\0\0\4shop\4test\0\0\1\0\1";
static const unsigned char RECORD[] = "\300\14\0\1\0\1\0\0\0\74\0\4\177\0\0\11";

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int opened(int type, int local, int remote)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	int one = 1, s = socket(AF_INET, type, 0);

	if (s < 0)
		fail("socket");
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	at.sin_port = htons(local);
	if (local && bind(s, (struct sockaddr *)&at, sizeof(at)))
		fail("bind");
	at.sin_port = htons(remote);
	if (remote && connect(s, (struct sockaddr *)&at, sizeof(at)))
		fail("connect");
	if (type == SOCK_STREAM && remote)
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return s;
}

static void say_in(const char *name, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	int file = open(path, O_CREAT | O_WRONLY, 0644);
	if (file < 0)
		fail(path);
	close(file);
}

static void wait_for(const char *name, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	while (access(path, F_OK))
		usleep(10000);
}

// Answers one message; false at the end of a connection.
static int answer(int s, int port)
{
	unsigned char text[4096];
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	ssize_t got = recvfrom(s, text, 2048, 0, (struct sockaddr *)&peer, &size);

	if (port == ECHO && got >= 0)
		return sendto(s, text, got, 0, (struct sockaddr *)&peer, size) == got;
	if (got <= 0)
		return 0;
	if (port == HTTP)
		return write(s, PAGE, sizeof(PAGE) - 1) > 0;
	if (port == REDIS)
		return write(s, VALUE, sizeof(VALUE) - 1) > 0;
	text[2] |= 0x80;
	text[7] = 1;
	memcpy(text + got, RECORD, sizeof(RECORD) - 1);
	return sendto(s, text, got + sizeof(RECORD) - 1, 0, (struct sockaddr *)&peer, size) > 0;
}

static void serve(void)
{
	struct pollfd all[SOCKETS_MAX] = {};
	int ports[SOCKETS_MAX] = { HTTP, REDIS, DNS, ECHO }, count = 4;

	for (int i = 0; i < count; i++) {
		all[i].fd = opened(i < 2 ? SOCK_STREAM : SOCK_DGRAM, ports[i], 0);
		all[i].events = POLLIN;
		if (i < 2 && listen(all[i].fd, 64))
			fail("listen");
	}
	while (poll(all, count, -1) > 0) {
		for (int i = count - 1; i >= 0; i--) {
			if (!all[i].revents)
				continue;
			if (i < 2) {
				int one = 1, s = accept(all[i].fd, NULL, NULL);
				if (s < 0 || count == SOCKETS_MAX)
					fail("accept");
				setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				ports[count] = ports[i];
				all[count].revents = 0;
				all[count].events = POLLIN;
				all[count++].fd = s;
			} else if (!answer(all[i].fd, ports[i]) && i >= 4) {
				close(all[i].fd);
				all[i] = all[--count];
				ports[i] = ports[count];
			}
		}
	}
}

// Writes at one end and reads at the other.
static void pass(int from, int to, const void *text, size_t size)
{
	char got[2048];

	if (write(from, text, size) != (ssize_t)size || read(to, got, sizeof(got)) <= 0)
		fail("exchange");
}

static void exchange(int s, const void *text, size_t size)
{
	pass(s, s, text, size);
}

static void question(int s)
{
	static unsigned short id;
	unsigned char text[sizeof(QUESTION) - 1];

	memcpy(text, QUESTION, sizeof(text));
	id++;
	text[0] = id >> 8;
	text[1] = id;
	exchange(s, text, sizeof(text));
}

// Asks `count` times over one socket, or with a new one each time.
static void ask(int type, int port, int count, int is_fresh)
{
	char echo[ECHO_BYTES] = "an unknown protocol";
	int s = -1;

	for (int i = 0; i < count; i++) {
		if (s < 0)
			s = opened(type, 0, port);
		if (port == HTTP)
			exchange(s, GET, sizeof(GET) - 1);
		else if (port == REDIS)
			exchange(s, COMMAND, sizeof(COMMAND) - 1);
		else if (port == DNS)
			question(s);
		else
			exchange(s, echo, sizeof(echo));
		if (is_fresh) {
			close(s);
			s = -1;
		}
	}
	close(s);
}

static void ask_all(void)
{
	ask(SOCK_STREAM, HTTP, HTTP_KEPT, 0);
	ask(SOCK_STREAM, HTTP, HTTP_FRESH, 1);
	ask(SOCK_STREAM, REDIS, REDIS_ASKED, 0);
	ask(SOCK_DGRAM, DNS, DNS_KEPT, 0);
	ask(SOCK_DGRAM, DNS, DNS_FRESH, 1);
	ask(SOCK_DGRAM, ECHO, ECHOES, 0);
	printf("http1 %d\nredis %d\ndns %d\necho_bytes %d\n", HTTP_KEPT + HTTP_FRESH, REDIS_ASKED,
	       DNS_KEPT + DNS_FRESH, 2 * ECHOES * ECHO_BYTES);
}

static void hold(const char *name, int count, int asked, int local)
{
	int held[HELD];

	for (int i = 0; i < count; i++) {
		held[i] = opened(SOCK_STREAM, local, HTTP);
		exchange(held[i], GET, sizeof(GET) - 1);
	}
	say_in(name, "");
	wait_for(name, ".go");
	for (int n = 0; n < asked; n++)
		for (int i = 0; i < count; i++)
			exchange(held[i], GET, sizeof(GET) - 1);
	printf("http1 %d\n", asked * count);
	fflush(stdout);
	wait_for(name, ".end");
}

// What `from` sends to `to` is records of TLS 1.2; the keys stay with the kernel.
static void seal(int from, int to)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { .version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	if (getrandom(keys.key, sizeof(keys.key), 0) != sizeof(keys.key))
		fail("getrandom");
	if (setsockopt(from, SOL_TLS, TLS_TX, &keys, sizeof(keys)) ||
	    setsockopt(to, SOL_TLS, TLS_RX, &keys, sizeof(keys)))
		fail("keys");
	explicit_bzero(&keys, sizeof(keys));
}

static void vault(const char *name)
{
	int door = opened(SOCK_STREAM, VAULT, 0);

	if (listen(door, 1))
		fail("listen");
	int client = opened(SOCK_STREAM, 0, VAULT), server = accept(door, NULL, NULL);
	if (setsockopt(client, IPPROTO_TCP, TCP_ULP, "tls", 3) ||
	    setsockopt(server, IPPROTO_TCP, TCP_ULP, "tls", 3)) {
		printf("vault 0\n");
		say_in(name, "");
		return;
	}
	seal(client, server);
	seal(server, client);
	say_in(name, "");
	wait_for(name, ".go");
	for (int n = 0; n < VAULT_ASKED; n++) {
		pass(client, server, GET, sizeof(GET) - 1);
		pass(server, client, PAGE, sizeof(PAGE) - 1);
	}
	printf("vault %d\n", VAULT_ASKED);
	fflush(stdout);
	wait_for(name, ".end");
}

int main(int count, char **words)
{
	const char *role = count > 1 ? words[1] : "";

	if (!strcmp(role, "serve"))
		serve();
	else if (!strcmp(role, "ask"))
		ask_all();
	else if (!strcmp(role, "hold") && count > 2)
		hold(words[2], HELD, HELD_ASKED, 0);
	else if (!strcmp(role, "twin") && count > 2)
		hold(words[2], 1, TWIN_ASKED, TWIN);
	else if (!strcmp(role, "vault") && count > 2)
		vault(words[2]);
	else
		return 2;
	return 0;
}
