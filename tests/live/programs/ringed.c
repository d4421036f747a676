// An HTTP server that accepts, receives and sends by io_uring alone, by the kernel's own interface.
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 8
#define UNAVAILABLE 69

static struct io_uring_sqe *entries;
static struct io_uring_cqe *completions;
static unsigned *tail, *array, *submit_mask, *complete_head, *complete_tail, *complete_mask;
static int ring;

static void *map(size_t size, long offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, offset);

	if (at == MAP_FAILED)
		exit(1);
	return at;
}

static void set_up(void)
{
	struct io_uring_params p = {};

	ring = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring < 0) {
		perror("io_uring_setup");
		exit(UNAVAILABLE);
	}
	char *submit = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	char *complete = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
			     IORING_OFF_CQ_RING);
	entries = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	tail = (unsigned *)(submit + p.sq_off.tail);
	array = (unsigned *)(submit + p.sq_off.array);
	submit_mask = (unsigned *)(submit + p.sq_off.ring_mask);
	complete_head = (unsigned *)(complete + p.cq_off.head);
	complete_tail = (unsigned *)(complete + p.cq_off.tail);
	complete_mask = (unsigned *)(complete + p.cq_off.ring_mask);
	completions = (struct io_uring_cqe *)(complete + p.cq_off.cqes);
}

// One operation, submitted and waited for; its result as the system call would give it. Polling
// first makes the kernel's own thread do the work whenever it has to wait.
static int run(int operation, int file, const void *buffer, unsigned length)
{
	unsigned at = *tail & *submit_mask;
	struct io_uring_sqe *e = &entries[at];

	memset(e, 0, sizeof(*e));
	e->opcode = operation;
	e->fd = file;
	e->addr = (unsigned long)buffer;
	e->len = length;
	e->flags = IOSQE_ASYNC;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	while (*complete_head == __atomic_load_n(complete_tail, __ATOMIC_ACQUIRE))
		;
	int result = completions[*complete_head & *complete_mask].res;

	__atomic_store_n(complete_head, *complete_head + 1, __ATOMIC_RELEASE);
	return result;
}

int main(int count, char **words)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nringed";
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(count > 1 ? atoi(words[1]) : 0),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	char text[4096];

	set_up();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64))
		return 1;
	for (;;) {
		int connection = run(IORING_OP_ACCEPT, listener, NULL, 0);

		if (connection < 0)
			return 2;
		// One client at a time, and each of its requests in one piece.
		while (run(IORING_OP_RECV, connection, text, sizeof(text)) > 0)
			run(IORING_OP_SEND, connection, answer, strlen(answer));
		close(connection);
	}
}
